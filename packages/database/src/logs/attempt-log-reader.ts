import { likePattern } from '../like-pattern.ts'
import type { SqlReader, SqlRow, SqlValue } from '../sql-client/sql-client.ts'
import { failureJoin, shaped, shapeJoin } from './request-log-rows.ts'

/**
 * The request log with a row per attempt, as GPT-Load keeps it: the last attempt of a request is the request itself, those
 * before it are read beside it. Newest first, driven by the time index; a substring is looked for in what the range holds.
 */
export type AttemptLogQuery = {
  /** Epoch ms, inclusive. */
  fromMs: number
  /** Epoch ms, exclusive. */
  toMs: number
  /** Parts, upper and lower case alike. */
  parentGroupName?: string
  groupName?: string
  model?: string
  error?: string
  keyIds?: readonly number[]
  isSuccess?: boolean
  isFinal?: boolean
  status?: number
  clientAddress?: string
}

export type AttemptLogPosition = { receivedAtMs: number; rowId: number; number: number }

export type AttemptLogRow = AttemptLogPosition & {
  requestId: string
  isFinal: boolean
  isSuccess: boolean
  /** The group that served it, and the aggregate that it was asked by (0, '' = none). A name that the log lacks is ''. */
  groupId: number
  groupName: string
  parentGroupId: number
  parentGroupName: string
  keyId: number
  keyHint: string
  accessKeyId: number
  edge: string
  method: string
  requestPath: string
  model: string
  isStream: boolean
  clientAddress: string
  userAgent: string
  upstream: string
  status: number
  errorClass: string
  errorMessage: string
  firstByteMs: number
  durationMs: number
  tokensInput: number
  tokensOutput: number
}

export interface AttemptLogReader {
  rows(
    query: AttemptLogQuery,
    page: { limit: number; offset?: number; after?: AttemptLogPosition },
  ): Promise<AttemptLogRow[]>
  /** Counts no further than `max`. */
  count(query: AttemptLogQuery, max: number): Promise<number>
}

export function createAttemptLogReader(sql: Pick<SqlReader, 'read'>): AttemptLogReader {
  return {
    async rows(query, { limit, offset = 0, after }) {
      const branches = branchesOf(query, { limit: limit + offset, after })
      const rows = await sql.read(
        `${branches.text} ORDER BY received_at DESC, row_id DESC, number DESC LIMIT ${limit} OFFSET ${offset}`,
        branches.values,
      )
      return rows.map(toRow)
    },
    async count(query, max) {
      const branches = branchesOf(query, { limit: max })
      const [row] = await sql.read(`SELECT COUNT(*) AS n FROM (${branches.text} LIMIT ${max}) c`, branches.values)
      return Number(row?.['n'] ?? 0)
    },
  }
}

type Branch = { text: string; values: SqlValue[] }
type Bounds = { limit: number; after?: AttemptLogPosition | undefined }

/** Each branch is limited by itself, so that neither is read to its end. */
function branchesOf(query: AttemptLogQuery, bounds: Bounds): Branch {
  const branches: Branch[] = []
  if (query.isFinal !== false) branches.push(branchOf(finalAttempts, query, bounds))
  // An attempt that was tried again has failed.
  if (query.isFinal !== true && query.isSuccess !== true) branches.push(branchOf(earlierAttempts, query, bounds))
  if (branches.length === 0) return branchOf(finalAttempts, { ...query, keyIds: [] }, bounds)
  return {
    text: branches.map(({ text }) => text).join(' UNION ALL '),
    values: branches.flatMap(({ values }) => values),
  }
}

type Source = {
  alias: string
  from: string
  number: string
  isSuccess: string
  /** Of the group that served the attempt. */
  groupId: string
  groupName: string
  columns: Record<'key_id' | 'key_hint' | 'status' | 'error_class' | 'error_message' | 'upstream', string>
  firstByteMs: string
  durationMs: string
  tokens: 'r' | 'none'
}

const memberGroupId = shaped('member_group_id')

const finalAttempts: Source = {
  alias: 'finals',
  from: `request_logs r ${failureJoin} ${shapeJoin} WHERE 1 = 1`,
  number: 'r.attempts',
  isSuccess: `(CASE WHEN r.status < 400 AND ${shaped('end_reason')} = 'complete' THEN 1 ELSE 0 END)`,
  groupId: `(CASE WHEN ${memberGroupId} > 0 THEN ${memberGroupId} ELSE r.group_id END)`,
  groupName: `(CASE WHEN ${memberGroupId} > 0 THEN ${shaped('member_group_name')} ELSE ${shaped('group_name')} END)`,
  columns: {
    key_id: 'r.key_id',
    key_hint: 'r.key_hint',
    status: 'r.status',
    error_class: shaped('error_class'),
    error_message: "COALESCE(f.error_message, '')",
    upstream: shaped('upstream'),
  },
  firstByteMs: 'r.first_byte_ms',
  durationMs: 'r.duration_ms',
  tokens: 'r',
}

const earlierAttempts: Source = {
  alias: 'earlier',
  from: `request_logs r JOIN request_attempts a ON a.request_id = r.request_id AND a.stored_on = r.stored_on ${shapeJoin} WHERE r.attempts > 1`,
  number: 'a.number',
  isSuccess: '0',
  groupId: 'a.group_id',
  groupName: `(CASE WHEN a.group_id = ${memberGroupId} THEN ${shaped('member_group_name')}
    WHEN a.group_id = r.group_id THEN ${shaped('group_name')} ELSE '' END)`,
  columns: {
    key_id: 'a.key_id',
    key_hint: 'a.key_hint',
    status: 'a.status',
    error_class: 'a.error_class',
    error_message: 'a.error_message',
    upstream: 'a.upstream',
  },
  firstByteMs: 'a.head_ms',
  durationMs: 'a.end_ms',
  tokens: 'none',
}

const model = `(CASE WHEN ${shaped('model_requested')} = '' THEN ${shaped('model_sent')} ELSE ${shaped('model_requested')} END)`

function branchOf(source: Source, query: AttemptLogQuery, { limit, after }: Bounds): Branch {
  const { where, values } = conditions(source, query, after)
  const columns = [
    'r.received_at AS received_at',
    'r.id AS row_id',
    `${source.number} AS number`,
    `${source.alias === 'finals' ? 1 : 0} AS is_final`,
    `${source.isSuccess} AS is_success`,
    `${source.groupId} AS group_id`,
    `${source.groupName} AS group_name`,
    `(CASE WHEN ${memberGroupId} > 0 THEN r.group_id ELSE 0 END) AS parent_group_id`,
    `(CASE WHEN ${memberGroupId} > 0 THEN ${shaped('group_name')} ELSE '' END) AS parent_group_name`,
    ...Object.entries(source.columns).map(([name, from]) => `${from} AS ${name}`),
    'r.request_id, s.edge, r.access_key_id, s.method, s.request_path, s.is_stream, r.client_address, s.user_agent',
    `${model} AS model`,
    `${source.firstByteMs} AS first_byte_ms`,
    `${source.durationMs} AS duration_ms`,
    source.tokens === 'r' ? 'r.tokens_input, r.tokens_output' : 'NULL AS tokens_input, NULL AS tokens_output',
  ]
  const order = `r.received_at DESC, r.id DESC, ${source.number} DESC`
  const text = `SELECT ${columns.join(', ')} FROM ${source.from} AND ${where} ORDER BY ${order} LIMIT ${limit}`
  return { text: `SELECT * FROM (${text}) ${source.alias}`, values }
}

function conditions(source: Source, query: AttemptLogQuery, after?: AttemptLogPosition) {
  const parts = ['r.received_at >= ?', 'r.received_at < ?']
  const values: SqlValue[] = [query.fromMs, query.toMs]
  const add = (part: string, ...more: SqlValue[]): void => {
    parts.push(part)
    values.push(...more)
  }
  const addPart = (column: string, part: string | undefined): void => {
    if (part !== undefined) add(`LOWER(${column}) LIKE ? ESCAPE '!'`, likePattern(part.toLowerCase()))
  }
  if (query.keyIds !== undefined)
    if (query.keyIds.length === 0) add('1 = 0')
    else add(`${source.columns.key_id} IN (${query.keyIds.map(() => '?').join(', ')})`, ...query.keyIds)
  if (query.status !== undefined) add(`${source.columns.status} = ?`, query.status)
  if (query.clientAddress !== undefined) add('r.client_address = ?', query.clientAddress)
  if (query.isSuccess !== undefined) add(`${source.isSuccess} = ?`, query.isSuccess ? 1 : 0)
  if (query.parentGroupName !== undefined) add(`${memberGroupId} > 0`)
  addPart(shaped('group_name'), query.parentGroupName)
  addPart(source.groupName, query.groupName)
  addPart(model, query.model)
  addPart(source.columns.error_message, query.error)
  if (after !== undefined) addPosition(add, source, after)
  return { where: parts.join(' AND '), values }
}

function addPosition(
  add: (part: string, ...values: SqlValue[]) => void,
  { number }: Source,
  { receivedAtMs, rowId, number: at }: AttemptLogPosition,
): void {
  add('r.received_at <= ?', receivedAtMs)
  add(`(r.received_at < ? OR r.id < ? OR (r.id = ? AND ${number} < ?))`, receivedAtMs, rowId, rowId, at)
}

function toRow(row: SqlRow): AttemptLogRow {
  const text = (column: string) => String(row[column] ?? '')
  const number = (column: string) => Number(row[column] ?? 0)
  const known = (column: string) => Number(row[column] ?? -1)
  return {
    receivedAtMs: number('received_at'),
    rowId: number('row_id'),
    number: number('number'),
    requestId: text('request_id'),
    isFinal: number('is_final') === 1,
    isSuccess: number('is_success') === 1,
    groupId: number('group_id'),
    groupName: text('group_name'),
    parentGroupId: number('parent_group_id'),
    parentGroupName: text('parent_group_name'),
    keyId: number('key_id'),
    keyHint: text('key_hint'),
    accessKeyId: number('access_key_id'),
    edge: text('edge'),
    method: text('method'),
    requestPath: text('request_path'),
    model: text('model'),
    isStream: number('is_stream') === 1,
    clientAddress: text('client_address'),
    userAgent: text('user_agent'),
    upstream: text('upstream'),
    status: number('status'),
    errorClass: text('error_class'),
    errorMessage: text('error_message'),
    firstByteMs: known('first_byte_ms'),
    durationMs: number('duration_ms'),
    tokensInput: known('tokens_input'),
    tokensOutput: known('tokens_output'),
  }
}
