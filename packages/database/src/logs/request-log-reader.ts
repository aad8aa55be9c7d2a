import type { RequestAttempt, RequestLog, RequestLogDetail } from '@gpt-load/contracts/api/log'
import { createAttemptLogReader, type AttemptLogReader } from './attempt-log-reader.ts'
import { createKeyUsageReader, type KeyUsageReader } from './key-usage-reader.ts'
import type { SqlReader, SqlRow, SqlValue } from '../sql-client/sql-client.ts'
import { withoutTablesEmpty } from './without-tables-empty.ts'

/**
 * Reads request logs by indexes only: a time range is mandatory, pages go by keyset (newest first), nothing is counted.
 * Serves the admin API; the tables are log-ingest's. Before it has made them nothing has been logged: no rows, no failure.
 */
export type RequestLogQuery = {
  /** Epoch ms, inclusive. */
  fromMs: number
  /** Epoch ms, exclusive. */
  toMs: number
  limit: number
  /** Last row of the page before. */
  after?: { receivedAtMs: number; id: number }
  groupId?: number
  accessKeyId?: number
  status?: number
  requestId?: string
}

export type RequestLogPage = { items: RequestLog[]; next: { receivedAtMs: number; id: number } | null }

/** Buckets of log-ingest: `spanS` seconds long, from the one that begins at `fromS` (epoch seconds) on. */
export type RequestTotalsQuery = {
  spanS: 60 | 3_600
  fromS: number
  /** The group in the URL or the member that served it. */
  groupId?: number
}
export type RequestSeriesQuery = {
  spanS: 60 | 3_600 | 86_400
  /** Begins of the first bucket and of the one after the last. */
  fromS: number
  toS: number
  groupId?: number
  accessKeyId?: number
}
/** Sums of one bucket; one in which nothing happened is not there. */
export type RequestSums = {
  bucketS: number
  requests: number
  failures: number
  /** Attempts after the first of each request. */
  retries: number
  rescued: number
  tokens: { input: number; output: number; cached: number; reasoning: number }
}
export type RequestTotals = { requests: number; failures: number }

export interface RequestLogReader {
  /** The same rows by attempt, for GPT-Load's routes. */
  attempts: AttemptLogReader
  keys: KeyUsageReader
  list(query: RequestLogQuery): Promise<RequestLogPage>
  /** Null when there is no such request (or its row was dropped). */
  find(requestId: string): Promise<RequestLogDetail | null>
  /** Sums over a range of the rollups' primary key: a few rows per bucket, however many requests there were. */
  totals(query: RequestTotalsQuery): Promise<RequestTotals>
  /** The same, bucket by bucket, oldest first. */
  series(query: RequestSeriesQuery): Promise<RequestSums[]>
}

const failureColumns = "COALESCE(f.error_message, '') AS error_message"
const failureJoin = 'LEFT JOIN failed_requests f ON f.received_at = r.received_at AND f.request_id = r.request_id'

export function createRequestLogReader(client: SqlReader): RequestLogReader {
  const sql = withoutTablesEmpty(client)
  return {
    attempts: createAttemptLogReader(sql),
    keys: createKeyUsageReader(sql),
    async list(query) {
      const { where, values } = conditions(query)
      const rows = await sql.read(
        `SELECT r.*, ${failureColumns} FROM request_logs r ${failureJoin} WHERE ${where} ORDER BY r.received_at DESC, r.id DESC LIMIT ${query.limit + 1}`,
        values,
      )
      const items = rows.slice(0, query.limit)
      const last = items.at(-1)
      const next =
        rows.length > query.limit && last !== undefined
          ? { receivedAtMs: Number(last['received_at']), id: Number(last['id']) }
          : null
      return { items: items.map(toRequestLog), next }
    },
    async find(requestId) {
      const [row] = await sql.read(
        `SELECT r.*, ${failureColumns} FROM request_logs r ${failureJoin} WHERE r.request_id = ? LIMIT 1`,
        [requestId],
      )
      if (row === undefined) return null
      const attempts = await sql.read('SELECT * FROM request_attempts WHERE request_id = ? ORDER BY number', [
        requestId,
      ])
      return { ...toRequestLog(row), attempts: [...attempts.map(toAttempt), ...lastAttempt(row)] }
    },
    async totals({ spanS, fromS, groupId }) {
      const ofGroup = groupId === undefined ? '' : ' AND (group_id = ? OR member_group_id = ?)'
      const [row = {}] = await sql.read(
        `SELECT SUM(requests) AS requests, SUM(failures) AS failures FROM request_rollups WHERE span = ? AND bucket >= ?${ofGroup}`,
        [spanS, fromS, ...(groupId === undefined ? [] : [groupId, groupId])],
      )
      return { requests: number(row, 'requests'), failures: number(row, 'failures') }
    },
    async series(query) {
      const { where, values } = seriesConditions(query)
      const rows = await sql.read(
        `SELECT ${seriesColumns} FROM request_rollups WHERE ${where} GROUP BY bucket ORDER BY bucket`,
        values,
      )
      return rows.map(toSums)
    },
  }
}

/** Requests that got as far as an attempt have rows apart from those that did not: their upstream tells them apart. */
const seriesColumns = `bucket, SUM(requests) AS requests, SUM(failures) AS failures, SUM(rescued) AS rescued,
  SUM(CASE WHEN attempts > requests THEN attempts - requests ELSE 0 END) AS retries,
  SUM(tokens_input) AS tokens_input, SUM(tokens_output) AS tokens_output,
  SUM(tokens_cached) AS tokens_cached, SUM(tokens_reasoning) AS tokens_reasoning`

function seriesConditions({ spanS, fromS, toS, groupId, accessKeyId }: RequestSeriesQuery) {
  const parts = ['span = ?', 'bucket >= ?', 'bucket < ?']
  const values: SqlValue[] = [spanS, fromS, toS]
  if (groupId !== undefined) {
    parts.push('(group_id = ? OR member_group_id = ?)')
    values.push(groupId, groupId)
  }
  if (accessKeyId !== undefined) {
    parts.push('access_key_id = ?')
    values.push(accessKeyId)
  }
  return { where: parts.join(' AND '), values }
}

function toSums(row: SqlRow): RequestSums {
  return {
    bucketS: number(row, 'bucket'),
    requests: number(row, 'requests'),
    failures: number(row, 'failures'),
    retries: number(row, 'retries'),
    rescued: number(row, 'rescued'),
    tokens: {
      input: number(row, 'tokens_input'),
      output: number(row, 'tokens_output'),
      cached: number(row, 'tokens_cached'),
      reasoning: number(row, 'tokens_reasoning'),
    },
  }
}

function conditions(query: RequestLogQuery): { where: string; values: SqlValue[] } {
  const parts = ['r.received_at >= ?', 'r.received_at < ?']
  const values: SqlValue[] = [query.fromMs, query.toMs]
  const add = (part: string, ...more: SqlValue[]) => {
    parts.push(part)
    values.push(...more)
  }
  const { after } = query
  if (after !== undefined) {
    add('(r.received_at < ? OR (r.received_at = ? AND r.id < ?))', after.receivedAtMs, after.receivedAtMs, after.id)
  }
  if (query.groupId !== undefined) add('(r.group_id = ? OR r.member_group_id = ?)', query.groupId, query.groupId)
  if (query.accessKeyId !== undefined) add('r.access_key_id = ?', query.accessKeyId)
  if (query.status !== undefined) add('r.status = ?', query.status)
  if (query.requestId !== undefined) add('r.request_id = ?', query.requestId)
  return { where: parts.join(' AND '), values }
}

function toRequestLog(row: SqlRow): RequestLog {
  return {
    request_id: text(row, 'request_id'),
    received_at: instant(row, 'received_at'),
    edge: text(row, 'edge'),
    group_id: number(row, 'group_id'),
    group_name: text(row, 'group_name'),
    member_group_id: number(row, 'member_group_id') || null,
    member_group_name: text(row, 'member_group_name') || null,
    channel: text(row, 'channel'),
    method: text(row, 'method'),
    request_path: text(row, 'request_path'),
    model_requested: text(row, 'model_requested'),
    model_sent: text(row, 'model_sent'),
    is_stream: number(row, 'is_stream') === 1,
    access_key_id: number(row, 'access_key_id') || null,
    key_id: number(row, 'key_id') || null,
    key_hint: text(row, 'key_hint'),
    upstream: text(row, 'upstream'),
    client_address: text(row, 'client_address'),
    user_agent: text(row, 'user_agent'),
    status: number(row, 'status'),
    error_class: (text(row, 'error_class') || null) as RequestLog['error_class'],
    error_code: text(row, 'error_code'),
    error_message: text(row, 'error_message'),
    end_reason: text(row, 'end_reason') as RequestLog['end_reason'],
    first_byte_ms: known(row, 'first_byte_ms'),
    first_token_ms: known(row, 'first_token_ms'),
    duration_ms: Math.max(0, number(row, 'duration_ms')),
    bytes_in: number(row, 'bytes_in'),
    bytes_out: number(row, 'bytes_out'),
    tokens: {
      input: known(row, 'tokens_input'),
      output: known(row, 'tokens_output'),
      cached: known(row, 'tokens_cached'),
      reasoning: known(row, 'tokens_reasoning'),
    },
    attempt_count: number(row, 'attempts'),
  }
}

function toAttempt(row: SqlRow): RequestAttempt {
  return {
    number: number(row, 'number'),
    group_id: number(row, 'group_id'),
    key_id: number(row, 'key_id') || null,
    key_hint: text(row, 'key_hint'),
    upstream: text(row, 'upstream'),
    started_at: instant(row, 'started_at'),
    connect_ms: known(row, 'connect_ms'),
    head_ms: known(row, 'head_ms'),
    end_ms: known(row, 'end_ms'),
    status: number(row, 'status') || null,
    error_class: (text(row, 'error_class') || null) as RequestAttempt['error_class'],
    error_code: text(row, 'error_code'),
    error_message: text(row, 'error_message'),
  }
}

/** The last attempt is stored in the request's own row; its duration ends with the request's. */
function lastAttempt(row: SqlRow): RequestAttempt[] {
  const count = number(row, 'attempts')
  if (count === 0) return []
  const attempt = toAttempt({
    ...row,
    number: count,
    started_at: row['received_at'] ?? 0,
    head_ms: row['first_byte_ms'] ?? -1,
    end_ms: row['duration_ms'] ?? -1,
  })
  return [{ ...attempt, group_id: number(row, 'member_group_id') || number(row, 'group_id') }]
}

const text = (row: SqlRow, column: string) => String(row[column] ?? '')
const number = (row: SqlRow, column: string) => Number(row[column] ?? 0)
const known = (row: SqlRow, column: string) => (number(row, column) < 0 ? null : number(row, column))
const instant = (row: SqlRow, column: string) => new Date(number(row, column)).toISOString()
