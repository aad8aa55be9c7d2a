import type { RequestAttempt, RequestLog } from '@gpt-load/contracts/api/log'
import type { SqlRow } from '../sql-client/sql-client.ts'

/** What requests have in common: a row of `request_logs` names its shape, which is stored once a day. */
export const shapeColumns = [
  'edge',
  'group_name',
  'member_group_id',
  'member_group_name',
  'channel',
  'method',
  'request_path',
  'model_requested',
  'model_sent',
  'is_stream',
  'upstream',
  'user_agent',
  'error_class',
  'error_code',
  'end_reason',
] as const
const withoutShape: Partial<Record<ShapeColumn, string>> = {
  member_group_id: '0',
  is_stream: '0',
  end_reason: "'complete'",
}
type ShapeColumn = (typeof shapeColumns)[number]

/**
 * A column of a row's shape. A condition on it holds for rows without one too: so the optimiser leaves the outer join one, and
 * begins with the rows.
 */
export const shaped = (column: ShapeColumn): string => `COALESCE(s.${column}, ${withoutShape[column] ?? "''"})`
export const shapeJoin = 'LEFT JOIN request_shapes s ON s.stored_on = r.stored_on AND s.shape = r.shape'

/** Rows of the log tables as the API shows them. `request_logs r` is read with its shape and its error text beside it. */
export const requestColumns = `r.*, ${shapeColumns.map((column) => `s.${column}`).join(', ')}, COALESCE(f.error_message, '') AS error_message`
/** The day is named in each join: without it every partition is looked into for every row. */
export const failureJoin =
  'LEFT JOIN failed_requests f ON f.received_at = r.received_at AND f.request_id = r.request_id AND f.stored_on = r.stored_on'

export function toRequestLog(row: SqlRow): RequestLog {
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
    duration_ms: number(row, 'duration_ms'),
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

export function toAttempt(row: SqlRow): RequestAttempt {
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
export function lastAttempt(row: SqlRow): RequestAttempt[] {
  const count = number(row, 'attempts')
  if (count === 0) return []
  const attempt = toAttempt({
    ...row,
    number: count,
    started_at: row['received_at'] ?? 0,
    head_ms: row['first_byte_ms'] ?? null,
    end_ms: row['duration_ms'] ?? -1,
  })
  return [{ ...attempt, group_id: number(row, 'member_group_id') || number(row, 'group_id') }]
}

const text = (row: SqlRow, column: string) => String(row[column] ?? '')
const number = (row: SqlRow, column: string) => Number(row[column] ?? 0)
const known = (row: SqlRow, column: string) => {
  const value = row[column] ?? null
  return value === null || Number(value) < 0 ? null : Number(value)
}
const instant = (row: SqlRow, column: string) => new Date(number(row, column)).toISOString()
