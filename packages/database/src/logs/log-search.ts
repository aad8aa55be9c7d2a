import { logScanBounds, type RequestLog } from '@gpt-load/contracts/api/log'
import type { ErrorClass } from '@gpt-load/contracts/error-class'
import type { SqlReader, SqlRow } from '../sql-client/sql-client.ts'
import { drivingIndexOf, type Condition, type DrivingIndex } from './log-search-index.ts'
import { failureJoin, requestColumns, shapeJoin, toRequestLog } from './request-log-rows.ts'

/**
 * Requests of a bounded time, by keyset, nothing counted. An index leads (log-search-index.ts); what no index knows is looked
 * for slice by slice in what it leaves, until the page is full or the bounds of one call are reached. A slice is a range of
 * whole milliseconds whose rows are counted off in the index alone.
 */
export type LogPosition = {
  receivedAtMs: number
  id: number
  /** Of a scan that goes on: rows of its next slice, so that it keeps its pace over calls. */
  sliceRows?: number
}

export type LogFilters = {
  groupId?: number
  accessKeyId?: number
  keyId?: number
  requestId?: string
  isFailed?: boolean
  errorClass?: ErrorClass
  errorCode?: string
  /** Part of the error text. */
  error?: string
  model?: string
  status?: number
  statusClass?: number
  upstream?: string
  clientAddress?: string
  isStream?: boolean
  minDurationMs?: number
  maxDurationMs?: number
  minFirstTokenMs?: number
  maxFirstTokenMs?: number
  minTokens?: number
  maxTokens?: number
}

export type LogSearchQuery = LogFilters & {
  /** Epoch ms, inclusive. */
  fromMs: number
  /** Epoch ms, exclusive. */
  toMs: number
  order: 'newest' | 'oldest'
  limit: number
  /** Where the page before ended. */
  after?: LogPosition
}

export type LogSearchPage = {
  items: RequestLog[]
  /** Of the first item; null on an empty page. */
  first: LogPosition | null
  /** Null = searched to the end of the range. */
  next: LogPosition | null
  searchedUntilMs: number
}

/** Rows of the largest slice. */
const maxSliceRows = 50_000
/** What a slice shall take; less where less is left of the call, but none that shall take less than the second. */
const sliceMs = 35
const shortestSliceMs = 15

export async function searchLogs(sql: SqlReader, query: LogSearchQuery): Promise<LogSearchPage> {
  if (query.fromMs >= query.toMs) return { items: [], first: null, next: null, searchedUntilMs: query.fromMs }
  const index = await drivingIndexOf(sql, query)
  const rows: SqlRow[] = []
  const startedAt = performance.now()
  let position = query.after ?? startOf(query)
  let scanned = 0
  for (let sliceRows = Math.min(position.sliceRows ?? index.firstSliceRows, maxSliceRows); ;) {
    const sliceStartedAt = performance.now()
    const slice = index.isExact ? null : await endOfSlice(sql, { query, index, position, sliceRows })
    rows.push(...(await readSlice(sql, { query, index, position, endMs: slice, limit: query.limit + 1 - rows.length })))
    const isFull = rows.length > query.limit
    if (isFull || slice === null) return pageOf(rows, query, isFull ? 'full' : 'complete')
    position = pastEnd(query, slice)
    scanned += sliceRows
    const nowMs = performance.now()
    const leftMs = startedAt + logScanBounds.ms - nowMs
    const last = { rows: sliceRows, ms: nowMs - sliceStartedAt }
    if (leftMs < shortestSliceMs || scanned >= logScanBounds.rows)
      return pageOf(rows, query, { ...position, sliceRows: rowsWithin(sliceMs, last) })
    sliceRows = Math.min(rowsWithin(Math.min(sliceMs, leftMs), last), logScanBounds.rows - scanned)
  }
}

/** What takes so long, judged by a slice; the judgement of a small one is not trusted far. */
function rowsWithin(ms: number, slice: { rows: number; ms: number }): number {
  const growth = Math.min(4, ms / Math.max(1, slice.ms))
  return Math.min(maxSliceRows, Math.max(500, Math.round((slice.rows * growth) / 100) * 100))
}

const isNewest = ({ order }: Pick<LogSearchQuery, 'order'>): boolean => order === 'newest'

function startOf(query: LogSearchQuery): LogPosition {
  return isNewest(query)
    ? { receivedAtMs: query.toMs, id: 0 }
    : { receivedAtMs: query.fromMs - 1, id: Number.MAX_SAFE_INTEGER }
}

/** Nothing of that millisecond is left. */
function pastEnd(query: LogSearchQuery, endMs: number): LogPosition {
  return { receivedAtMs: endMs, id: isNewest(query) ? 0 : Number.MAX_SAFE_INTEGER }
}

function pageOf(
  rows: readonly SqlRow[],
  query: LogSearchQuery,
  ended: 'full' | 'complete' | LogPosition,
): LogSearchPage {
  const shown = rows.slice(0, query.limit)
  const [firstRow, lastRow] = [shown[0], shown.at(-1)]
  const next = ended === 'complete' ? null : ended === 'full' ? positionOf(lastRow) : ended
  const endMs = isNewest(query) ? query.fromMs : query.toMs
  return {
    items: shown.map(toRequestLog),
    first: positionOf(firstRow),
    next,
    searchedUntilMs: next === null ? endMs : next.receivedAtMs,
  }
}

function positionOf(row: SqlRow | undefined): LogPosition | null {
  return row === undefined ? null : { receivedAtMs: Number(row['received_at']), id: Number(row['id']) }
}

type Slice = { query: LogSearchQuery; index: DrivingIndex; position: LogPosition }

/** The millisecond with which a slice ends; null = the range ends sooner. */
async function endOfSlice(
  sql: SqlReader,
  { query, index, position, sliceRows }: Slice & { sliceRows: number },
): Promise<number | null> {
  const column = `${index.alias}.received_at`
  const [low, high] = isNewest(query) ? [query.fromMs, position.receivedAtMs] : [position.receivedAtMs, query.toMs - 1]
  const [row] = await sql.read(
    `SELECT ${column} AS received_at FROM ${index.countedFrom} WHERE ${column} >= ? AND ${column} <= ?${index.lead.text}
     ORDER BY ${column} ${isNewest(query) ? 'DESC' : 'ASC'} LIMIT 1 OFFSET ${sliceRows}`,
    [low, high, ...index.lead.values],
  )
  return row === undefined ? null : Number(row['received_at'])
}

async function readSlice(
  sql: SqlReader,
  { query, index, position, endMs, limit }: Slice & { endMs: number | null; limit: number },
): Promise<SqlRow[]> {
  const column = `${index.alias}.received_at`
  const { receivedAtMs, id } = position
  const keyset: Condition = isNewest(query)
    ? {
        text: `${column} >= ? AND ${column} <= ? AND NOT (r.received_at = ? AND r.id >= ?)`,
        values: [endMs ?? query.fromMs, Math.min(receivedAtMs, query.toMs - 1), receivedAtMs, id],
      }
    : {
        text: `${column} >= ? AND ${column} <= ? AND NOT (r.received_at = ? AND r.id <= ?)`,
        values: [Math.max(receivedAtMs, query.fromMs), endMs ?? query.toMs - 1, receivedAtMs, id],
      }
  const direction = isNewest(query) ? 'DESC' : 'ASC'
  return sql.read(
    `SELECT ${requestColumns} FROM ${index.from} ${index.isJoined ? '' : failureJoin} ${shapeJoin} WHERE ${keyset.text}${index.lead.text}${index.rest.text}
     ORDER BY r.received_at ${direction}, r.id ${direction} LIMIT ${limit}`,
    [...keyset.values, ...index.lead.values, ...index.rest.values],
  )
}
