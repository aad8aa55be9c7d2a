import { accessKeyLimitNames } from '@gpt-load/contracts/access-key-limits'
import type { PolicyEntity } from '@gpt-load/contracts/policy-entities'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'

/**
 * Settings, groups and access keys as their rows are, secrets sealed: what is remembered of a revision and what a rollback writes
 * back. No key of a provider, no state of one, no hash of an access key.
 */
export type SettingState = { name: string; value: string; source: string; managed_by: string | null }
export type UpstreamState = { id: number; position: number; url: string; weight: number }
export type MemberState = { member_id: number; weight: number; position: number }
export type GroupState = Record<(typeof groupColumns)[number], string | number | null> & {
  upstreams: UpstreamState[]
  members: MemberState[]
}
export type AccessKeyState = Record<(typeof accessKeyColumns)[number], string | number | null> & { group_ids: number[] }
export type PolicyState = SettingState[] | GroupState | AccessKeyState

export const groupColumns = [
  'name',
  'display_name',
  'description',
  'kind',
  'channel',
  'enabled',
  'sort',
  'test_model',
  'validation_endpoint',
  'param_overrides',
  'header_rules',
  'model_redirects',
  'model_redirect_strict',
  'settings',
  'managed_by',
] as const
export const accessKeyColumns = [
  'name',
  'all_groups',
  'default_group_id',
  'enabled',
  'expires_at',
  ...accessKeyLimitNames,
  'note',
  'managed_by',
] as const

const idsPerQuery = 500

/** As it was remembered; a version of ours that knew no limits remembered none. */
export function parsePolicyState(entity: PolicyEntity, text: string): PolicyState {
  const state = JSON.parse(text) as PolicyState
  return entity === 'access_key' ? ({ ...noLimits, ...state } as AccessKeyState) : state
}

const noLimits = Object.fromEntries(accessKeyLimitNames.map((name) => [name, 0]))

/** By id; what is not there is left out. Settings are one, of the id 0. */
export async function readPolicies(
  sql: SqlRunner,
  entity: PolicyEntity,
  ids: readonly number[],
): Promise<Map<number, PolicyState>> {
  const states = new Map<number, PolicyState>()
  if (entity === 'setting') return states.set(0, await readSettings(sql))
  const read = entity === 'group' ? readGroups : readAccessKeys
  for (let start = 0; start < ids.length; start += idsPerQuery)
    for (const [id, state] of await read(sql, ids.slice(start, start + idsPerQuery))) states.set(id, state)
  return states
}

function readSettings(sql: SqlRunner): Promise<SettingState[]> {
  return sql.query('SELECT name, value, source, managed_by FROM settings ORDER BY name')
}

type Of<Owner extends string, State> = Record<Owner, number> & State

async function readGroups(sql: SqlRunner, ids: readonly number[]): Promise<Map<number, GroupState>> {
  const many = placeholders(ids.length)
  const rows = await sql.query<{ id: number } & Omit<GroupState, 'upstreams' | 'members'>>(
    `SELECT id, ${groupColumns.join(', ')} FROM ${quoteName(sql, 'groups')} WHERE id IN (${many})`,
    ids,
  )
  const upstreams = await sql.query<Of<'group_id', UpstreamState>>(
    `SELECT group_id, id, position, url, weight FROM upstreams WHERE group_id IN (${many}) ORDER BY position, id`,
    ids,
  )
  const members = await sql.query<Of<'group_id', MemberState>>(
    `SELECT group_id, member_id, weight, position FROM aggregate_members WHERE group_id IN (${many})
     ORDER BY position, member_id`,
    ids,
  )
  const ofGroup = Map.groupBy(upstreams, ({ group_id }) => group_id)
  const membersOf = Map.groupBy(members, ({ group_id }) => group_id)
  return new Map(
    rows.map(({ id, ...columns }) => [
      id,
      {
        ...(columns as Omit<GroupState, 'upstreams' | 'members'>),
        upstreams: (ofGroup.get(id) ?? []).map(({ group_id: _group, ...upstream }) => upstream),
        members: (membersOf.get(id) ?? []).map(({ group_id: _group, ...member }) => member),
      } as GroupState,
    ]),
  )
}

async function readAccessKeys(sql: SqlRunner, ids: readonly number[]): Promise<Map<number, AccessKeyState>> {
  const many = placeholders(ids.length)
  const rows = await sql.query<{ id: number }>(
    `SELECT id, ${accessKeyColumns.join(', ')} FROM access_keys WHERE id IN (${many})`,
    ids,
  )
  const groups = await sql.query<{ access_key_id: number; group_id: number }>(
    `SELECT access_key_id, group_id FROM access_key_groups WHERE access_key_id IN (${many}) ORDER BY group_id`,
    ids,
  )
  const groupsOf = Map.groupBy(groups, ({ access_key_id }) => access_key_id)
  return new Map(
    rows.map(({ id, ...columns }) => [
      id,
      { ...columns, group_ids: (groupsOf.get(id) ?? []).map(({ group_id }) => group_id) } as AccessKeyState,
    ]),
  )
}
