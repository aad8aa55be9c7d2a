import { likePattern } from '../like-pattern.ts'
import type { SqlReader, SqlValue } from '../sql-client/sql-client.ts'
import { shaped } from './request-log-rows.ts'
import type { LogFilters, LogSearchQuery } from './log-search.ts'

/**
 * Which index leads a search: the narrowest that its filters name. It is forced, since an optimiser that sees ORDER BY … LIMIT
 * likes to walk the time index instead.
 */
export type Condition = { text: string; values: SqlValue[] }

export type DrivingIndex = {
  /** Of the table that leads: its `received_at` is what slices are cut by. */
  alias: 'r' | 'f'
  /** The leading table alone, for counting off. */
  countedFrom: string
  from: string
  /** The failed request is there already. */
  isJoined: boolean
  /** ` AND …`, answered by the index. */
  lead: Condition
  /** ` AND …`, looked for in each row. */
  rest: Condition
  /** The index answers it all: no slices are needed. */
  isExact: boolean
  /** Rows of the first slice. */
  firstSliceRows: number
}

type IndexName = 'received' | 'request' | 'by_group' | 'by_access_key' | 'by_key'

export async function drivingIndexOf(sql: SqlReader, query: LogSearchQuery): Promise<DrivingIndex> {
  const filters = conditionsOf(query)
  if (query.requestId !== undefined) return overRequests(sql, 'request', filters, ['requestId'])
  if (isAboutErrors(query)) return overFailures(sql, filters)
  if (query.keyId !== undefined) return overRequests(sql, 'by_key', filters, ['keyId'])
  if (query.accessKeyId !== undefined) return overRequests(sql, 'by_access_key', filters, ['accessKeyId'])
  if (query.groupId !== undefined && !(await hasServedAsMember(sql, query, query.groupId)))
    return overRequests(sql, 'by_group', { ...filters, groupId: { text: 'r.group_id = ?', values: [query.groupId] } }, [
      'groupId',
    ])
  return overRequests(sql, 'received', filters, [])
}

function isAboutErrors({ isFailed, errorClass, errorCode, error }: LogFilters): boolean {
  return isFailed === true || errorClass !== undefined || errorCode !== undefined || error !== undefined
}

/** The rollups know: whether a group has served requests of aggregates, for which there is no index. */
async function hasServedAsMember(sql: SqlReader, { fromMs, toMs }: LogSearchQuery, groupId: number): Promise<boolean> {
  const dayS = 86_400
  const [row] = await sql.read(
    `SELECT 1 AS found FROM request_rollups WHERE span = ${dayS} AND bucket >= ? AND bucket < ? AND member_group_id = ? LIMIT 1`,
    [Math.floor(fromMs / 1_000 / dayS) * dayS, Math.ceil(toMs / 1_000), groupId],
  )
  return row !== undefined
}

type Conditions = Partial<Record<keyof LogFilters, Condition>>

function overRequests(
  sql: SqlReader,
  index: IndexName,
  filters: Conditions,
  leading: (keyof LogFilters)[],
): DrivingIndex {
  const from =
    sql.dialect === 'mysql'
      ? `request_logs r FORCE INDEX (${index})`
      : `request_logs r INDEXED BY request_logs_${index}`
  const isLeading = (name: string) => leading.some((one) => one === name)
  const entries = Object.entries(filters)
  const rest = entries.filter(([name]) => !isLeading(name)).map(([, condition]) => condition)
  return {
    alias: 'r',
    countedFrom: from,
    from,
    isJoined: false,
    lead: joined(entries.filter(([name]) => isLeading(name)).map(([, condition]) => condition)),
    rest: joined(rest),
    // A request has one row: whatever else is asked for, there is nothing to slice.
    isExact: rest.length === 0 || index === 'request',
    firstSliceRows: 4_000,
  }
}

function overFailures(sql: SqlReader, filters: Conditions): DrivingIndex {
  const join = sql.dialect === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN'
  return {
    alias: 'f',
    countedFrom: 'failed_requests f',
    from: `failed_requests f ${join} request_logs r ON r.request_id = f.request_id AND r.received_at = f.received_at AND r.stored_on = f.stored_on`,
    isJoined: true,
    lead: joined([]),
    rest: joined(Object.values(filters)),
    isExact: false,
    // Each costs the look-up of its request, which is likely wanted and not likely in memory.
    firstSliceRows: 200,
  }
}

function joined(conditions: readonly Condition[]): Condition {
  return {
    text: conditions.map(({ text }) => ` AND ${text}`).join(''),
    values: conditions.flatMap(({ values }) => values),
  }
}

const tokens = '(COALESCE(r.tokens_input, 0) + COALESCE(r.tokens_output, 0))'
const failed = `(r.status >= 400 OR ${shaped('end_reason')} <> 'complete')`

/** One entry per filter that is set. Errors are asked of `f`, which is there when one of them is. */
function conditionsOf(filters: LogFilters): Conditions {
  const makers: { [K in keyof LogFilters]-?: (value: NonNullable<LogFilters[K]>) => Condition } = {
    groupId: (id) => ({ text: `(r.group_id = ? OR ${shaped('member_group_id')} = ?)`, values: [id, id] }),
    accessKeyId: (id) => ({ text: 'r.access_key_id = ?', values: [id] }),
    keyId: (id) => ({ text: 'r.key_id = ?', values: [id] }),
    requestId: (id) => ({ text: 'r.request_id = ?', values: [id] }),
    isFailed: (isFailed) => ({ text: isFailed ? failed : `NOT ${failed}`, values: [] }),
    errorClass: (name) => ({ text: 'f.error_class = ?', values: [name] }),
    errorCode: (code) => ({ text: 'f.error_code = ?', values: [code] }),
    error: (text) => ({ text: "LOWER(f.error_message) LIKE ? ESCAPE '!'", values: [likePattern(text.toLowerCase())] }),
    model: (model) => ({
      text: `(${shaped('model_requested')} = ? OR ${shaped('model_sent')} = ?)`,
      values: [model, model],
    }),
    status: (status) => ({ text: 'r.status = ?', values: [status] }),
    statusClass: (hundreds) => ({
      text: 'r.status >= ? AND r.status < ?',
      values: [hundreds * 100, hundreds * 100 + 100],
    }),
    upstream: (upstream) => ({ text: `${shaped('upstream')} = ?`, values: [upstream] }),
    clientAddress: (address) => ({ text: 'r.client_address = ?', values: [address] }),
    isStream: (isStream) => ({ text: `${shaped('is_stream')} = ?`, values: [isStream ? 1 : 0] }),
    minDurationMs: (ms) => ({ text: 'r.duration_ms >= ?', values: [ms] }),
    maxDurationMs: (ms) => ({ text: 'r.duration_ms <= ?', values: [ms] }),
    minFirstTokenMs: (ms) => ({ text: 'r.first_token_ms >= ?', values: [ms] }),
    maxFirstTokenMs: (ms) => ({ text: 'r.first_token_ms <= ?', values: [ms] }),
    minTokens: (count) => ({ text: `${tokens} >= ?`, values: [count] }),
    maxTokens: (count) => ({ text: `${tokens} <= ?`, values: [count] }),
  }
  const conditions: Conditions = {}
  for (const name of Object.keys(makers) as (keyof LogFilters)[]) {
    const value = filters[name]
    if (value !== undefined) conditions[name] = (makers[name] as (value: unknown) => Condition)(value)
  }
  return conditions
}
