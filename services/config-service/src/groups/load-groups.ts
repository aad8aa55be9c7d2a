import type { AggregateMember } from '@gpt-load/contracts/api/aggregate-member'
import type { Group } from '@gpt-load/contracts/api/group'
import type { CauseClass } from '@gpt-load/contracts/api/key'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import type { ModelRedirects } from '@gpt-load/contracts/group-shape'
import { keyStates } from '@gpt-load/contracts/key-state'
import type { Database } from '@gpt-load/database/database-handle'
import type { Keyring } from '@gpt-load/database/keyring'
import { openGroupSettings, openHeaderRules } from '@gpt-load/database/row-secrets'
import { managedFieldsOf } from '../config/managed-fields.ts'
import { toInstant } from '../instant.ts'
import { toUpstream } from '../upstreams/upstream-answer.ts'
import { maskHeaderRules, maskOverrides, type SettingOverrides } from './group-secrets.ts'

/** Groups as the API shows them: whole, secrets masked. Reads within a transaction see its own changes. */
export type GroupReader = Pick<Database, 'group'>

export const groupParts = {
  upstreams: { orderBy: { position: 'asc' } },
  members: { orderBy: { position: 'asc' }, include: { member: { select: { name: true, enabled: true } } } },
  counts: true,
  causes: true,
} as const

function findOne(database: GroupReader) {
  return database.group.findFirst({ include: groupParts })
}
export type GroupRow = NonNullable<Awaited<ReturnType<typeof findOne>>>

/** In the order of `ids`; ids that are not there are left out. */
export async function loadGroups(database: GroupReader, keyring: Keyring, ids: readonly number[]): Promise<Group[]> {
  const rows = await database.group.findMany({ where: { id: { in: [...ids] } }, include: groupParts })
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => {
    const row = byId.get(id)
    return row === undefined ? [] : [toGroup(row, keyring)]
  })
}

export function toGroup(row: GroupRow, keyring: Keyring): Group {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as Group['kind'],
    channel: row.channel as ChannelType,
    display_name: row.display_name,
    description: row.description,
    enabled: row.enabled,
    sort: row.sort,
    endpoint: `/proxy/${row.name}`,
    test_model: row.test_model,
    validation_endpoint: row.validation_endpoint,
    upstreams: row.upstreams.map((upstream) => toUpstream(upstream, keyring)),
    members: row.members.map(toMember),
    param_overrides: parseStored<Group['param_overrides']>(row.param_overrides),
    header_rules: maskHeaderRules(openHeaderRules(keyring, row.header_rules)),
    model_redirects: parseStored<ModelRedirects>(row.model_redirects),
    model_redirect_strict: row.model_redirect_strict,
    settings: maskOverrides(openGroupSettings(keyring, row.settings) as SettingOverrides),
    key_counts: keyCountsOf(row.counts),
    keys_out: keysOutOf(row.causes),
    managed_by: row.managed_by,
    managed_fields: managedFieldsOf(row),
    revision: Number(row.revision),
    created_at: toInstant(row.created_at),
    updated_at: toInstant(row.updated_at),
  }
}

export function toMember(row: GroupRow['members'][number]): AggregateMember {
  return { group_id: row.member_id, name: row.member.name, enabled: row.member.enabled, weight: row.weight }
}

export function keyCountsOf(counts: readonly { state: string; count: number }[]): Group['key_counts'] {
  const byState: Record<string, number> = Object.fromEntries(keyStates.map((state) => [state, 0]))
  for (const { state, count } of counts) byState[state] = count
  const total = keyStates.reduce((sum, state) => sum + (byState[state] ?? 0), 0)
  return { total, ...byState } as Group['key_counts']
}

function keysOutOf(causes: readonly { cause: string; count: number }[]): Group['keys_out'] {
  return causes
    .filter(({ count }) => count > 0)
    .map(({ cause, count }) => ({ cause: cause as CauseClass, keys: count }))
    .toSorted((a, b) => b.keys - a.keys || (a.cause < b.cause ? -1 : 1))
}

/** Columns that hold JSON are written by us only. */
export function parseStored<T>(text: string): T {
  return JSON.parse(text) as T
}
