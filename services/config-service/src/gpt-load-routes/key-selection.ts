import { maxKeysPerRequest } from '@gpt-load/contracts/api/key'
import type { Group } from '@gpt-load/contracts/api/group'
import type { GptLoadKeySelection } from '@gpt-load/contracts/gpt-load-api/key'
import { wrongField } from '../http/api-problem.ts'
import { countKeys } from '../keys/adjust-key-counts.ts'
import { findKeyIds, keepKeyIds } from '../keys/find-key-ids.ts'
import { parseKeysText } from '@gpt-load/contracts/parse-keys-text'
import { callVerb, type RouteCall } from './gpt-load-route.ts'

/** The keys that a body names: by `keys_text`, by `ids`, or both; 5,000 at most, twice named counts as ignored. */
export type SelectedKey = { value: string; id: number | null }

export async function selectKeys(call: RouteCall<GptLoadKeySelection>): Promise<SelectedKey[]> {
  const { group_id: groupId, keys_text: text = '', ids = [] } = call.body
  const values = parseKeysText(text).map(({ key }) => key)
  const count = values.length + ids.length
  if (count === 0) throw wrongField('/text', 'names no key')
  if (count > maxKeysPerRequest) throw wrongField('/text', `names ${count} keys, ${maxKeysPerRequest} at most`)
  const byValue = await findKeyIds(call.ctx, groupId, values)
  const known = await keepKeyIds(call.ctx, groupId, ids)
  return [
    ...values.map((value) => ({ value, id: byValue.get(value) ?? null })),
    ...ids.map((id) => ({ value: `#${id}`, id: known.has(id) ? id : null })),
  ]
}

export function idsOf(keys: readonly SelectedKey[]): number[] {
  return [...new Set(keys.flatMap(({ id }) => (id === null ? [] : [id])))]
}

/** 404 when there is none. */
export async function groupOf(call: RouteCall<unknown>, id: number): Promise<Group> {
  const { value } = await callVerb(call, 'getGroup', { params: { id } })
  return value
}

export async function ignoredAndTotal(
  call: RouteCall<GptLoadKeySelection>,
  { named, done }: { named: number; done: number },
): Promise<{ ignored_count: number; total_in_group: number }> {
  return { ignored_count: named - done, total_in_group: await countKeys(call.ctx.store.sql, call.body.group_id) }
}
