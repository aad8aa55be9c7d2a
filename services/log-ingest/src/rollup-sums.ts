import { hash } from 'node:crypto'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import { latencyBin } from '@gpt-load/database/logs/latency-bin'
import { addToHistogram, slotOf, type LatencyHistogram } from '@gpt-load/database/logs/latency-histogram'
import { everything, latencyMetrics, latencyScopeHash, type LatencyScope } from '@gpt-load/database/logs/latency-scope'
import type { SqlValue } from '@gpt-load/database/sql-client/sql-client'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'
import { int32, isFailure } from './log-row.ts'
import type { PlacedHistogram } from './merge-latencies.ts'

/**
 * Sums of the events of one transaction, merged in memory before they are upserted: a minute of one group is one row,
 * however many requests it had. Additive throughout, so the order of transactions does not matter. Events of one minute
 * and one set of dimensions share a cell that knows its rows of every span: an event costs one look-up.
 */
export const rollupSpans = [60, 3_600, 86_400] as const

const sumColumns = [
  'requests',
  'failures',
  'rescued',
  'attempts',
  'duration_ms',
  'bytes_in',
  'bytes_out',
  'tokens_input',
  'tokens_output',
  'tokens_cached',
  'tokens_reasoning',
] as const
const dimensionColumns = [
  'group_id',
  'member_group_id',
  'access_key_id',
  'status_class',
  'model',
  'upstream',
  'channel',
  'model_sent',
] as const
const errorColumns = [
  'group_id',
  'member_group_id',
  'access_key_id',
  'model',
  'upstream',
  'status',
  'error_class',
  'error_code',
] as const

const place = ['span', 'bucket', 'dims'] as const
export const requestRollup: Upsert = {
  table: 'request_rollups',
  columns: [...place, ...dimensionColumns, ...sumColumns],
  key: place,
  add: sumColumns,
}
/** The same sums by model alone. Retries instead of attempts: those add up over requests that got no attempt. */
const modelSumColumns = sumColumns.map((column) => (column === 'attempts' ? 'retries' : column))
const modelKey = ['span', 'bucket', 'channel', 'model', 'model_sent'] as const
export const modelRollup: Upsert = {
  table: 'model_rollups',
  columns: [...modelKey, ...modelSumColumns],
  key: modelKey,
  add: modelSumColumns,
}
export const errorRollup: Upsert = {
  table: 'error_rollups',
  columns: [...place, ...errorColumns, 'requests'],
  key: place,
  add: ['requests'],
}
export const keyRollup: Upsert = {
  table: 'key_rollups',
  columns: ['bucket', 'key_id', 'group_id', 'requests', 'failures', 'last_used_at'],
  key: ['key_id', 'bucket'],
  add: ['requests', 'failures'],
  max: ['last_used_at'],
}

type Row = SqlValue[]
type Cell = { requests: Row[]; latencies: PlacedHistogram[] }
type Sums = {
  cells: Map<string, Cell>
  requests: Map<string, Row>
  errors: Map<string, Row>
  latencies: Map<string, PlacedHistogram>
  keys: Map<string, Row>
}

export function createRollupSums() {
  const sums: Sums = {
    cells: new Map(),
    requests: new Map(),
    errors: new Map(),
    latencies: new Map(),
    keys: new Map(),
  }
  return {
    add(event: LogEvent): void {
      const cell = cellOf(sums, event)
      const amounts = amountsOf(event)
      for (const row of cell.requests) addAmounts(row, amounts)
      for (const histogram of cell.latencies) addLatencies(histogram, event)
      if (isFailure(event)) addError(sums, event)
      addKeys(sums, event)
    },
    /** Rows in the order of their keys: transactions that meet lock them in the same order. */
    rows: () => ({
      requests: sorted(sums.requests),
      models: sorted(modelRows(sums.requests.values())),
      errors: sorted(sums.errors),
      latencies: sorted(sums.latencies),
      keys: sorted(sums.keys),
    }),
  }
}

function modelRows(requests: Iterable<Row>): Map<string, Row> {
  const models = new Map<string, Row>()
  for (const request of requests) {
    const key = modelKey.map((column) => request[requestColumn[column]] ?? null)
    const amounts = request.slice(-sumColumns.length) as number[]
    amounts[attemptsAt] = Math.max(0, (amounts[attemptsAt] ?? 0) - (amounts[requestsAt] ?? 0))
    addAmounts(openAt<Row>(models, JSON.stringify(key), [...key, ...sumColumns.map(() => 0)]), amounts)
  }
  return models
}

const [requestsAt, attemptsAt] = [sumColumns.indexOf('requests'), sumColumns.indexOf('attempts')]
const requestColumn = Object.fromEntries(requestRollup.columns.map((column, at) => [column, at])) as Record<
  (typeof modelKey)[number],
  number
>

const sorted = <T>(rows: Map<string, T>): T[] =>
  [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)

function cellOf(sums: Sums, event: LogEvent): Cell {
  const dimensions = dimensionsOf(event)
  const key = `${Math.floor(event.receivedAtMs / 60_000)}:${JSON.stringify(dimensions)}`
  let cell = sums.cells.get(key)
  if (cell === undefined) {
    cell = openCell(sums, event, dimensions)
    sums.cells.set(key, cell)
  }
  return cell
}

function openCell(sums: Sums, event: LogEvent, dimensions: SqlValue[]): Cell {
  const dims = hash('md5', JSON.stringify(dimensions), 'buffer')
  const scopes = scopesOf(event).map(latencyScopeHash)
  const cell: Cell = { requests: [], latencies: [] }
  for (const span of rollupSpans) {
    const bucket = bucketOf(event, span)
    const nothing = sumColumns.map(() => 0)
    cell.requests.push(
      openAt(sums.requests, placeOf(span, bucket, dims), [span, bucket, dims, ...dimensions, ...nothing]),
    )
    for (const scope of scopes)
      cell.latencies.push(
        openAt(sums.latencies, placeOf(span, bucket, scope), { span, bucket, dims: scope, counts: new Map() }),
      )
  }
  return cell
}

const bucketOf = (event: LogEvent, span: number): number => Math.floor(event.receivedAtMs / (span * 1_000)) * span
const placeOf = (span: number, bucket: number, dims: Buffer): string => `${span}:${bucket}:${dims.toString('latin1')}`

function openAt<T>(rows: Map<string, T>, key: string, fresh: T): T {
  const known = rows.get(key)
  if (known !== undefined) return known
  rows.set(key, fresh)
  return fresh
}

const modelOf = (event: LogEvent): string => cutModel(event.modelRequested || event.modelSent)
const cutModel = (model: string): string => model.slice(0, 255).toWellFormed()
const upstreamOf = (event: LogEvent): string => (event.attempts.at(-1)?.upstream ?? '').slice(0, 500).toWellFormed()

function dimensionsOf(event: LogEvent): SqlValue[] {
  return [
    event.groupId,
    event.memberGroupId,
    event.accessKeyId,
    Math.floor(event.status / 100),
    modelOf(event),
    upstreamOf(event),
    event.channel,
    cutModel(event.modelSent),
  ]
}

function scopesOf(event: LogEvent): LatencyScope[] {
  const scopes: LatencyScope[] = [everything, { kind: 'group', value: event.groupId }]
  if (event.memberGroupId > 0 && event.memberGroupId !== event.groupId)
    scopes.push({ kind: 'group', value: event.memberGroupId })
  const [model, upstream] = [modelOf(event), upstreamOf(event)]
  if (model !== '') scopes.push({ kind: 'model', value: model })
  if (event.accessKeyId > 0) scopes.push({ kind: 'access_key', value: event.accessKeyId })
  if (upstream !== '') scopes.push({ kind: 'upstream', value: upstream })
  return scopes
}

/** In the order of `sumColumns`. */
function amountsOf(event: LogEvent): number[] {
  const failed = isFailure(event)
  const { tokens } = event
  return [
    1,
    failed ? 1 : 0,
    !failed && event.attempts.length > 1 ? 1 : 0,
    event.attempts.length,
    known(event.durationMs),
    Math.min(event.bytesIn, maxSummedBytes),
    Math.min(event.bytesOut, maxSummedBytes),
    known(tokens.input),
    known(tokens.output),
    known(tokens.cached),
    known(tokens.reasoning),
  ]
}

/** Larger is broken, and a few of them would not fit into a sum any more. */
const maxSummedBytes = 2 ** 45
const known = (value: number) => Math.max(0, int32(value))

/** Sums stand at the end of a row. */
function addAmounts(row: Row, amounts: readonly number[]): void {
  const start = row.length - amounts.length
  for (const [index, amount] of amounts.entries()) row[start + index] = (row[start + index] as number) + amount
}

function addLatencies({ counts }: PlacedHistogram, event: LogEvent): void {
  addLatency(counts, latencyMetrics.duration, event.durationMs)
  addLatency(counts, latencyMetrics.first_byte, event.firstByteMs)
  addLatency(counts, latencyMetrics.first_token, event.firstTokenMs)
}

function addLatency(counts: LatencyHistogram, metric: number, ms: number): void {
  if (ms >= 0) addToHistogram(counts, slotOf(metric, latencyBin(ms)), 1)
}

function addError(sums: Sums, event: LogEvent): void {
  const { groupId, memberGroupId, accessKeyId, status, errorClass } = event
  // What broke off without a code is told apart by how it ended.
  const code = event.errorCode || (event.endReason === 'complete' ? '' : event.endReason)
  const dimensions = [
    groupId,
    memberGroupId,
    accessKeyId,
    modelOf(event),
    upstreamOf(event),
    status,
    errorClass,
    code.slice(0, 100).toWellFormed(),
  ]
  const dims = hash('md5', JSON.stringify(dimensions), 'buffer')
  for (const span of rollupSpans) {
    const bucket = bucketOf(event, span)
    addAmounts(openAt(sums.errors, placeOf(span, bucket, dims), [span, bucket, dims, ...dimensions, 0]), [1])
  }
}

/** Every attempt counts for its key; the last one has the request's outcome. */
function addKeys(sums: Sums, event: LogEvent): void {
  const bucket = bucketOf(event, 3_600)
  for (const attempt of event.attempts) {
    if (attempt.keyId === 0) continue
    const key = `${String(attempt.keyId).padStart(16, '0')}:${bucket}`
    const failed = attempt.status >= 400 || attempt.errorClass !== ''
    const row = openAt<Row>(sums.keys, key, [bucket, attempt.keyId, attempt.groupId, 0, 0, 0])
    row[3] = (row[3] as number) + 1
    row[4] = (row[4] as number) + (failed ? 1 : 0)
    row[5] = Math.max(row[5] as number, attempt.startedAtMs)
  }
}
