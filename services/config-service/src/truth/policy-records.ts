import { accessKeyLimitNames, type AccessKeyLimits } from '@gpt-load/contracts/access-key-limits'
import { adminAccessKeyId } from '@gpt-load/contracts/entity-id'
import { type AccessKeyRecord, type GroupRecord, type SnapshotRecord } from '@gpt-load/contracts/snapshot'
import { resolveSettings, settingsRegistry, type Settings } from '@gpt-load/contracts/settings'
import { idCondition } from '@gpt-load/database/id-condition'
import type { Keyring } from '@gpt-load/database/keyring'
import { openGroupSettings, openHeaderRules, openSettingValue, openUpstreamUrl } from '@gpt-load/database/row-secrets'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { limitsSet } from '../access-keys/access-key-limits.ts'

/** Rows -> records of policies: settings, groups, access keys. Secrets come out in clear: records are sealed before they leave. */
export type RecordContext = {
  keyring: Keyring
  /** What the environment sets: below what the database says. */
  environmentSettings: Partial<Settings>
  /** Of AUTH_KEY, by `hashToken`; absent where the admin key was generated: what is stored of that one is no access key's hash. */
  authKeyHash?: Uint8Array
}
/** Of these ids, or all. */
export type IdSelection = readonly number[] | 'all'

const idsPerQuery = 500

export async function readSettingsRecord(sql: SqlRunner, context: RecordContext): Promise<SnapshotRecord> {
  const rows = await sql.query<{ name: string; value: string }>('SELECT name, value FROM settings ORDER BY name')
  const stored = rows
    .filter(({ name }) => name in settingsRegistry)
    .map(({ name, value }) => [name, openSettingValue(context.keyring, name, value)])
  return { t: 'settings', values: { ...context.environmentSettings, ...Object.fromEntries(stored) } }
}

type GroupRow = {
  id: number
  name: string
  display_name: string
  kind: string
  channel: string
  enabled: number
  sort: number
  test_model: string
  validation_endpoint: string
  param_overrides: string
  header_rules: string
  model_redirects: string
  model_redirect_strict: number
  settings: string
}
type UpstreamRow = { id: number; group_id: number; url: string; weight: number }
type MemberRow = { group_id: number; member_id: number; weight: number }

export async function readGroupRecords(
  sql: SqlRunner,
  context: RecordContext,
  ids: IdSelection,
): Promise<GroupRecord[]> {
  const groups = await selectIn<GroupRow>(sql, `SELECT * FROM ${quoteName(sql, 'groups')}`, 'id', ids, 'id')
  const upstreams = await selectIn<UpstreamRow>(
    sql,
    'SELECT id, group_id, url, weight FROM upstreams',
    'group_id',
    ids,
    'group_id, position, id',
  )
  const members = await selectIn<MemberRow>(
    sql,
    'SELECT group_id, member_id, weight FROM aggregate_members',
    'group_id',
    ids,
    'group_id, position, member_id',
  )
  const upstreamsOf = Map.groupBy(upstreams, ({ group_id }) => group_id)
  const membersOf = Map.groupBy(members, ({ group_id }) => group_id)
  return groups.map((row) => groupRecord(context, row, upstreamsOf.get(row.id) ?? [], membersOf.get(row.id) ?? []))
}

function groupRecord(
  { keyring }: RecordContext,
  row: GroupRow,
  upstreams: readonly UpstreamRow[],
  members: readonly MemberRow[],
): GroupRecord {
  return {
    t: 'group',
    id: row.id,
    name: row.name,
    display_name: row.display_name,
    kind: row.kind as GroupRecord['kind'],
    channel: row.channel as GroupRecord['channel'],
    enabled: row.enabled !== 0,
    sort: row.sort,
    test_model: row.test_model,
    validation_endpoint: row.validation_endpoint,
    upstreams: upstreams.map(({ id, url, weight }) => ({ id, url: openUpstreamUrl(keyring, url), weight })),
    members: members.map(({ member_id, weight }) => ({ group_id: member_id, weight })),
    param_overrides: JSON.parse(row.param_overrides) as GroupRecord['param_overrides'],
    header_rules: openHeaderRules(keyring, row.header_rules),
    model_redirects: JSON.parse(row.model_redirects) as GroupRecord['model_redirects'],
    model_redirect_strict: row.model_redirect_strict !== 0,
    settings: openGroupSettings(keyring, row.settings) as GroupRecord['settings'],
  }
}

type AccessKeyRow = {
  id: number
  name: string
  hash: Buffer
  enabled: number
  expires_at: number
  all_groups: number
  default_group_id: number | null
} & AccessKeyLimits

export async function readAccessKeyRecords(sql: SqlRunner, ids: IdSelection): Promise<AccessKeyRecord[]> {
  const columns = `id, name, hash, enabled, expires_at, all_groups, default_group_id, ${accessKeyLimitNames.join(', ')}`
  const rows = await selectIn<AccessKeyRow>(sql, `SELECT ${columns} FROM access_keys`, 'id', ids, 'id')
  const links = await selectIn<{ access_key_id: number; group_id: number }>(
    sql,
    'SELECT access_key_id, group_id FROM access_key_groups',
    'access_key_id',
    ids,
    'access_key_id, group_id',
  )
  const linksOf = Map.groupBy(links, ({ access_key_id }) => access_key_id)
  return rows.map((row) => ({
    t: 'access_key',
    id: row.id,
    name: row.name,
    hash: row.hash.toString('base64'),
    enabled: row.enabled !== 0,
    expires_at: row.expires_at,
    all_groups: row.all_groups !== 0,
    group_ids: (linksOf.get(row.id) ?? []).map(({ group_id }) => group_id),
    default_group_id: row.default_group_id ?? 0,
    ...limitsSet(row),
  }))
}

/** AUTH_KEY as an access key that opens every group: one record while the setting is on, else none. */
export async function readAdminKeyRecords(sql: SqlRunner, context: RecordContext): Promise<AccessKeyRecord[]> {
  const { authKeyHash } = context
  if (authKeyHash === undefined || !(await isProxyOpenToAdminKey(sql, context))) return []
  return [
    {
      t: 'access_key',
      id: adminAccessKeyId,
      name: 'AUTH_KEY',
      hash: Buffer.from(authKeyHash).toString('base64'),
      enabled: true,
      expires_at: 0,
      all_groups: true,
      group_ids: [],
      default_group_id: 0,
    },
  ]
}

export async function isProxyOpenToAdminKey(
  sql: SqlRunner,
  { keyring, environmentSettings }: Pick<RecordContext, 'keyring' | 'environmentSettings'>,
): Promise<boolean> {
  const name = 'auth_key_opens_proxy'
  const [row] = await sql.query<{ value: string }>('SELECT value FROM settings WHERE name = ?', [name])
  const stored = row === undefined ? {} : { [name]: openSettingValue(keyring, name, row.value) as boolean }
  return resolveSettings(environmentSettings, stored, {})[name]
}

/** Keys of a deleted group are removed in chunks after it: until then they belong to nobody and are not sent. */
export async function readGroupIds(sql: SqlRunner): Promise<ReadonlySet<number>> {
  const rows = await sql.query<{ id: number }>(`SELECT id FROM ${quoteName(sql, 'groups')}`)
  return new Set(rows.map(({ id }) => id))
}

/** `select` of all rows, or of those whose `column` is one of `ids`, in chunks. */
export async function selectIn<Row extends object>(
  sql: SqlRunner,
  select: string,
  column: string,
  ids: IdSelection,
  order: string,
): Promise<Row[]> {
  if (ids === 'all') return sql.query<Row>(`${select} ORDER BY ${order}`)
  const rows: Row[] = []
  for (let start = 0; start < ids.length; start += idsPerQuery) {
    const some = ids.slice(start, start + idsPerQuery)
    const { where, values } = idCondition(column, some)
    rows.push(...(await sql.query<Row>(`${select} WHERE ${where} ORDER BY ${order}`, values)))
  }
  return rows
}
