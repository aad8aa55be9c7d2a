import { latencyOfBin } from './latency-bin.ts'
import { addStoredHistogram, type LatencyHistogram } from './latency-histogram.ts'
import { latencyMetrics, latencyScopeHash, type LatencyMetric, type LatencyScope } from './latency-scope.ts'
import type { SqlReader, SqlRow, SqlValue } from '../sql-client/sql-client.ts'

/**
 * Statistics from the rollups of log-ingest, by their primary keys: what a question costs goes by buckets and combinations of
 * dimensions, never by requests. Ranges are whole buckets, in epoch seconds.
 */
export type StatsRange = {
  spanS: number
  /** Begins of the first bucket and of the one after the last. */
  fromS: number
  toS: number
}
export type StatsScope = {
  /** The group in the URL or the member that served it. */
  groupId?: number
  accessKeyId?: number
  model?: string
  upstream?: string
}

/** What sums can be told apart by, as an expression over `request_rollups` (and, where it has the columns, `model_rollups`). */
const dimensions = {
  bucket: 'bucket',
  day: 'bucket - bucket % 86400',
  group: 'group_id',
  member: 'CASE WHEN member_group_id > 0 THEN member_group_id ELSE group_id END',
  access_key: 'access_key_id',
  model: 'model',
  model_sent: "CASE WHEN model_sent = '' THEN model ELSE model_sent END",
  upstream: 'upstream',
  channel: 'channel',
  status_class: 'status_class',
} as const
export type StatsDimension = keyof typeof dimensions

export type StatsSums = {
  requests: number
  failures: number
  /** Attempts after the first of each request. */
  retries: number
  rescued: number
  duration_ms: number
  bytes_in: number
  bytes_out: number
  tokens: { input: number; output: number; cached: number; reasoning: number }
}
export type StatsRow<By extends StatsDimension> = Record<By, string | number> & { sums: StatsSums }

export type ErrorSums = { bucket: number; status: number; error_class: string; error_code: string; requests: number }
export type Percentiles = { p50: number; p95: number; p99: number; requests: number }
export type LatencyRow = { bucket: number; scope: number } & Partial<Record<LatencyMetric, Percentiles>>
export type KeySums = { key_id: number; group_id: number; requests: number; failures: number; last_used_at: number }

export interface StatsReader {
  sums<const By extends StatsDimension>(query: StatsRange & StatsScope & { by: readonly By[] }): Promise<StatsRow<By>[]>
  /** Failed requests by cause; `bucket` is 0 unless told apart. */
  errors(query: StatsRange & StatsScope & { isByBucket: boolean }): Promise<ErrorSums[]>
  /** One row per scope (its index) and, if told apart, bucket; a metric that nothing was measured of is not there. */
  latency(query: StatsRange & { scopes: readonly LatencyScope[]; isByBucket: boolean }): Promise<LatencyRow[]>
  /** Attempts per key, from hours. */
  keys(
    query: Pick<StatsRange, 'fromS' | 'toS'> & { groupId?: number; order: 'requests' | 'failures'; limit: number },
  ): Promise<KeySums[]>
}

export function createStatsReader(sql: Pick<SqlReader, 'read'>): StatsReader {
  return {
    async sums(query) {
      const { where, values } = conditions(
        query,
        query.by.some((name) => name === 'bucket'),
      )
      const by = query.by.map((name) => `${dimensions[name]} AS by_${name}`)
      const group = query.by.length === 0 ? '' : ` GROUP BY ${query.by.map((name) => `by_${name}`).join(', ')}`
      const isOfModels = isAskedOfModels(query)
      const sums = sumsOf(isOfModels ? 'retries' : retriesOfRequests)
      const table = isOfModels ? 'model_rollups' : 'request_rollups'
      const rows = await sql.read(`SELECT ${[...by, sums].join(', ')} FROM ${table} WHERE ${where}${group}`, values)
      return rows.map((row) => toStatsRow(row, query.by))
    },
    async errors(query) {
      const { where, values } = conditions(query, query.isByBucket)
      const bucket = query.isByBucket ? 'bucket' : '0'
      const rows = await sql.read(
        `SELECT ${bucket} AS at_bucket, status, error_class, error_code, SUM(requests) AS requests FROM error_rollups
         WHERE ${where} GROUP BY at_bucket, status, error_class, error_code ORDER BY requests DESC`,
        values,
      )
      return rows.map(toErrorSums)
    },
    latency: (query) => readLatency(sql, query),
    async keys({ fromS, toS, groupId, order, limit }) {
      const rows = await sql.read(
        `SELECT key_id, MAX(group_id) AS group_id, SUM(requests) AS requests, SUM(failures) AS failures,
         MAX(last_used_at) AS last_used_at FROM key_rollups WHERE bucket >= ? AND bucket < ?
         ${groupId === undefined ? '' : 'AND group_id = ?'} GROUP BY key_id ORDER BY ${order} DESC, key_id LIMIT ${limit}`,
        [fromS, toS, ...(groupId === undefined ? [] : [groupId])],
      )
      return rows.map((row) => ({
        key_id: number(row, 'key_id'),
        group_id: number(row, 'group_id'),
        requests: number(row, 'requests'),
        failures: number(row, 'failures'),
        last_used_at: number(row, 'last_used_at'),
      }))
    },
  }
}

const modelDimensions: readonly StatsDimension[] = ['bucket', 'day', 'channel', 'model', 'model_sent']

/** Nothing but models is told apart: their sums have a hundredth of the rows. */
function isAskedOfModels({ by, groupId, accessKeyId, upstream }: StatsScope & { by: readonly StatsDimension[] }) {
  const isScoped = groupId !== undefined || accessKeyId !== undefined || upstream !== undefined
  return !isScoped && by.every((name) => modelDimensions.includes(name))
}

/** Requests that got as far as an attempt have rows apart from those that did not: their upstream tells them apart. */
const retriesOfRequests = 'CASE WHEN attempts > requests THEN attempts - requests ELSE 0 END'
const sumsOf = (retries: string) => `SUM(requests) AS requests, SUM(failures) AS failures, SUM(rescued) AS rescued,
  SUM(${retries}) AS retries, SUM(duration_ms) AS duration_ms, SUM(bytes_in) AS bytes_in, SUM(bytes_out) AS bytes_out,
  SUM(tokens_input) AS tokens_input, SUM(tokens_output) AS tokens_output,
  SUM(tokens_cached) AS tokens_cached, SUM(tokens_reasoning) AS tokens_reasoning`

function conditions({ spanS, fromS, toS, ...scope }: StatsRange & StatsScope, isByBucket: boolean) {
  const range = { spanS, fromS, toS }
  const ranges = isByBucket ? [range] : inCoarserSpans(range)
  const parts = [`(${ranges.map(() => '(span = ? AND bucket >= ? AND bucket < ?)').join(' OR ')})`]
  const values: SqlValue[] = ranges.flatMap((one) => [one.spanS, one.fromS, one.toS])
  const add = (part: string, ...more: SqlValue[]) => {
    parts.push(part)
    values.push(...more)
  }
  if (scope.groupId !== undefined) add('(group_id = ? OR member_group_id = ?)', scope.groupId, scope.groupId)
  if (scope.accessKeyId !== undefined) add('access_key_id = ?', scope.accessKeyId)
  if (scope.model !== undefined) add('model = ?', scope.model)
  if (scope.upstream !== undefined) add('upstream = ?', scope.upstream)
  return { where: parts.join(' AND '), values }
}

const coarserSpans: Readonly<Record<number, number>> = { 60: 3_600, 3_600: 86_400 }

/** Whole hours and days inside a range are read as such: their rows are the sums of those of minutes and hours. */
function inCoarserSpans({ spanS, fromS, toS }: StatsRange): StatsRange[] {
  const coarserS = coarserSpans[spanS]
  if (coarserS === undefined) return [{ spanS, fromS, toS }]
  const startS = Math.ceil(fromS / coarserS) * coarserS
  const endS = Math.floor(toS / coarserS) * coarserS
  if (startS >= endS) return [{ spanS, fromS, toS }]
  const middle = inCoarserSpans({ spanS: coarserS, fromS: startS, toS: endS })
  const ends = [
    { spanS, fromS, toS: startS },
    { spanS, fromS: endS, toS },
  ]
  return [...middle, ...ends.filter((end) => end.fromS < end.toS)]
}

function toStatsRow<By extends StatsDimension>(row: SqlRow, by: readonly By[]): StatsRow<By> {
  const keys = Object.fromEntries(by.map((name) => [name, row[`by_${name}`] ?? ''])) as Record<By, string | number>
  return {
    ...keys,
    sums: {
      requests: number(row, 'requests'),
      failures: number(row, 'failures'),
      retries: number(row, 'retries'),
      rescued: number(row, 'rescued'),
      duration_ms: number(row, 'duration_ms'),
      bytes_in: number(row, 'bytes_in'),
      bytes_out: number(row, 'bytes_out'),
      tokens: {
        input: number(row, 'tokens_input'),
        output: number(row, 'tokens_output'),
        cached: number(row, 'tokens_cached'),
        reasoning: number(row, 'tokens_reasoning'),
      },
    },
  }
}

const toErrorSums = (row: SqlRow): ErrorSums => ({
  bucket: number(row, 'at_bucket'),
  status: number(row, 'status'),
  error_class: String(row['error_class'] ?? ''),
  error_code: String(row['error_code'] ?? ''),
  requests: number(row, 'requests'),
})

/** Scopes per statement: each is a point in the index for every bucket, and a statement has room for few thousand. */
const maxPointsPerStatement = 8_000

/** Buckets and scopes are named one by one, so that the primary key is met at points and no other scope's rows are passed. */
async function readLatency(
  sql: Pick<SqlReader, 'read'>,
  { spanS, fromS, toS, scopes, isByBucket }: StatsRange & { scopes: readonly LatencyScope[]; isByBucket: boolean },
): Promise<LatencyRow[]> {
  const buckets = Array.from({ length: (toS - fromS) / spanS }, (_, index) => fromS + index * spanS)
  const hashes = scopes.map(latencyScopeHash)
  const indexOf = new Map(hashes.map((hash, index) => [hash.toString('hex'), index]))
  const bucketsAtOnce = Math.max(1, Math.floor(maxPointsPerStatement / Math.max(1, scopes.length)))
  const histograms = new Map<string, LatencyHistogram>()
  for (let start = 0; start < buckets.length && scopes.length > 0; start += bucketsAtOnce) {
    const part = buckets.slice(start, start + bucketsAtOnce)
    const rows = await sql.read(
      `SELECT bucket, dims, counts FROM latency_histograms
       WHERE span = ? AND bucket IN (${part.join(',')}) AND dims IN (${hashes.map(() => '?').join(',')})`,
      [spanS, ...hashes],
    )
    for (const row of rows) {
      const scope = indexOf.get(Buffer.from(row['dims'] as Uint8Array).toString('hex'))
      if (scope === undefined) continue
      const place = `${isByBucket ? number(row, 'bucket') : 0}:${scope}`
      const histogram = histograms.get(place) ?? new Map<number, number>()
      addStoredHistogram(histogram, String(row['counts']))
      histograms.set(place, histogram)
    }
  }
  return [...histograms].map(([place, histogram]) => toLatencyRow(place, histogram))
}

function toLatencyRow(place: string, histogram: LatencyHistogram): LatencyRow {
  const [bucket = 0, scope = 0] = place.split(':').map(Number)
  const row: LatencyRow = { bucket, scope }
  for (const [name, metric] of Object.entries(latencyMetrics) as [LatencyMetric, number][]) {
    const bins = new Map<number, number>()
    for (const [slot, count] of histogram) if (slot >> 8 === metric) bins.set(slot & 255, count)
    if (bins.size > 0) row[name] = percentilesOf(bins)
  }
  return row
}

/** Nearest rank over bins; each is answered as its middle, which is off by 4.5 % at most. */
export function percentilesOf(bins: ReadonlyMap<number, number>): Percentiles {
  const sorted = [...bins].toSorted(([a], [b]) => a - b)
  const requests = sorted.reduce((sum, [, count]) => sum + count, 0)
  const at = (share: number): number => {
    let below = 0
    for (const [bin, count] of sorted) {
      below += count
      if (below >= Math.ceil(requests * share)) return Math.round(latencyOfBin(bin) * 10) / 10
    }
    return 0
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), requests }
}

const number = (row: SqlRow, column: string) => Number(row[column] ?? 0)
