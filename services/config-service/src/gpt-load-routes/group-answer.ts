import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import type { Group } from '@gpt-load/contracts/api/group'
import type { GptLoadGroup } from '@gpt-load/contracts/gpt-load-api/group'
import { statesOfGptLoadStatus, type GptLoadKeyStatus } from '@gpt-load/contracts/gpt-load-api/key'
import { loadSettings } from '../settings/list-settings.ts'
import type { RouteCall } from './gpt-load-route.ts'
import { accessKeysOfGroups, joinMasks } from './proxy-keys.ts'

/** Our groups as GPT-Load shows them. */
export async function toGptLoadGroups(call: RouteCall<unknown>, groups: readonly Group[]): Promise<GptLoadGroup[]> {
  const base = await publicBase(call)
  const accessKeys = await accessKeysOfGroups(
    call.ctx,
    groups.map(({ id }) => id),
  )
  return groups.map((group) => toGptLoadGroup(group, base, accessKeys.get(group.id) ?? []))
}

export async function toOneGptLoadGroup(call: RouteCall<unknown>, group: Group): Promise<GptLoadGroup> {
  const [shown] = await toGptLoadGroups(call, [group])
  return shown!
}

/** `app_url`, or the address that this request came to. */
async function publicBase({ ctx, origin }: RouteCall<unknown>): Promise<string> {
  const { items } = await loadSettings(ctx)
  const appUrl = items.find(({ name }) => name === 'app_url')?.value
  return typeof appUrl === 'string' && appUrl !== '' ? appUrl.replace(/\/+$/, '') : origin
}

function toGptLoadGroup(group: Group, base: string, accessKeys: readonly AccessKey[]): GptLoadGroup {
  return {
    id: group.id,
    name: group.name,
    endpoint: `${base}${group.endpoint}`,
    display_name: group.display_name,
    description: group.description,
    group_type: group.kind,
    upstreams: group.upstreams.map(({ url, weight }) => ({ url, weight })),
    channel_type: group.channel,
    sort: group.sort,
    test_model: group.test_model,
    validation_endpoint: group.validation_endpoint,
    param_overrides: unlessEmpty(group.param_overrides),
    model_redirect_rules: group.model_redirects,
    model_redirect_strict: group.model_redirect_strict,
    config: unlessEmpty(group.settings),
    header_rules: group.header_rules.length === 0 ? null : group.header_rules,
    proxy_keys: joinMasks(accessKeys),
    last_validated_at: null,
    created_at: group.created_at,
    updated_at: group.updated_at,
    enabled: group.enabled,
    revision: group.revision,
  }
}

/** Never set and empty are the same to us; GPT-Load says null. */
function unlessEmpty<T extends object>(value: T): T | null {
  return Object.keys(value).length === 0 ? null : value
}

export function keyStatsOf(counts: Group['key_counts']) {
  const sumOf = (status: GptLoadKeyStatus): number =>
    statesOfGptLoadStatus[status].reduce((sum, state) => sum + counts[state], 0)
  return { total_keys: counts.total, active_keys: sumOf('active'), invalid_keys: sumOf('invalid') }
}
