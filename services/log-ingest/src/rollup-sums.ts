import { hash } from 'node:crypto'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import type { SqlValue } from '@gpt-load/database/sql-client/sql-client'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'
import { latencyBin } from './latency-bin.ts'
import { int32, isFailure } from './log-row.ts'

/**
 * Sums of the events of one transaction, merged in memory before they are upserted: a minute of one group is one row,
 * however many requests it had. Additive throughout, so the order of transactions does not matter.
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
const dimensionColumns = ['group_id', 'member_group_id', 'access_key_id', 'status_class', 'model', 'upstream'] as const

export const requestRollup: Upsert = {
  table: 'request_rollups',
  columns: ['span', 'bucket', 'dims', ...dimensionColumns, ...sumColumns],
  key: ['span', 'bucket', 'dims'],
  add: sumColumns,
}
export const latencyRollup: Upsert = {
  table: 'latency_rollups',
  columns: ['span', 'bucket', 'dims', 'metric', 'bin', 'requests'],
  key: ['span', 'bucket', 'dims', 'metric', 'bin'],
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
type Sums = { requests: Map<string, Row>; latencies: Map<string, Row>; keys: Map<string, Row> }

export function createRollupSums() {
  const sums: Sums = { requests: new Map(), latencies: new Map(), keys: new Map() }
  return {
    add(event: LogEvent): void {
      const dimensions = dimensionsOf(event)
      const dims = hash('md5', JSON.stringify(dimensions), 'buffer')
      const dimsText = dims.toString('latin1')
      for (const span of rollupSpans) {
        const bucket = Math.floor(event.receivedAtMs / (span * 1000)) * span
        const place = `${span}:${bucket}:${dimsText}`
        addRequest(sums, place, [span, bucket, dims, ...dimensions], event)
        addLatency(sums, place, [span, bucket, dims], 1, event.durationMs)
        addLatency(sums, place, [span, bucket, dims], 2, event.firstByteMs)
        addLatency(sums, place, [span, bucket, dims], 3, event.firstTokenMs)
      }
      addKeys(sums, event)
    },
    /** Rows in the order of their keys: transactions that meet lock them in the same order. */
    rows: () => ({ requests: sorted(sums.requests), latencies: sorted(sums.latencies), keys: sorted(sums.keys) }),
  }
}

const sorted = (rows: Map<string, Row>): Row[] =>
  [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)

function dimensionsOf(event: LogEvent): SqlValue[] {
  const model = (event.modelRequested || event.modelSent).slice(0, 255).toWellFormed()
  const upstream = (event.attempts.at(-1)?.upstream ?? '').slice(0, 500)
  return [event.groupId, event.memberGroupId, event.accessKeyId, Math.floor(event.status / 100), model, upstream]
}

function addRequest(sums: Sums, place: string, start: Row, event: LogEvent): void {
  const failed = isFailure(event)
  const { tokens } = event
  addTo(sums.requests, place, start, [
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
  ])
}

function addLatency(sums: Sums, place: string, start: Row, metric: number, ms: number): void {
  if (ms < 0) return
  const bin = latencyBin(ms)
  addTo(sums.latencies, `${place}:${metric}:${String(bin).padStart(3, '0')}`, [...start, metric, bin], [1])
}

/** Every attempt counts for its key; the last one has the request's outcome. */
function addKeys(sums: Sums, event: LogEvent): void {
  const bucket = Math.floor(event.receivedAtMs / 3_600_000) * 3_600
  for (const attempt of event.attempts) {
    if (attempt.keyId === 0) continue
    const place = `${String(attempt.keyId).padStart(16, '0')}:${bucket}`
    const failed = attempt.status >= 400 || attempt.errorClass !== ''
    const row = addTo(sums.keys, place, [bucket, attempt.keyId, attempt.groupId], [1, failed ? 1 : 0, 0])
    row[5] = Math.max(row[5] as number, attempt.startedAtMs)
  }
}

function addTo(rows: Map<string, Row>, place: string, start: Row, amounts: readonly number[]): Row {
  const row = rows.get(place)
  if (row === undefined) {
    const created = [...start, ...amounts]
    rows.set(place, created)
    return created
  }
  for (const [index, amount] of amounts.entries())
    row[start.length + index] = (row[start.length + index] as number) + amount
  return row
}

/** Larger is broken, and a few of them would not fit into a sum any more. */
const maxSummedBytes = 2 ** 45
const known = (value: number) => Math.max(0, int32(value))
