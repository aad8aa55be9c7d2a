import { addStoredHistogram, encodeHistogram, type LatencyHistogram } from '@gpt-load/database/logs/latency-histogram'
import type { SqlTransaction, SqlValue } from '@gpt-load/database/sql-client/sql-client'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'
import { chunks, upsertRows } from './insert-rows.ts'

/** Where a histogram is stored. */
export type HistogramPlace = { span: number; bucket: number; dims: Buffer }
export type PlacedHistogram = HistogramPlace & { counts: LatencyHistogram }

const columns = ['span', 'bucket', 'dims', 'counts']
const key = ['span', 'bucket', 'dims']
/** Changes nothing of a row that is there, but locks it. */
const present: Upsert = { table: 'latency_histograms', columns, key, add: [], max: ['bucket'] }
const merged: Upsert = { table: 'latency_histograms', columns, key, add: [], replace: ['counts'] }
const rowsAtOnce = 500

/**
 * Adds histograms to what is stored: read, added up here, written back, since SQL cannot add within a value. On MySQL the rows
 * are made and locked first, in the order of their keys, so that transactions that meet wait for each other instead of
 * losing an addition; SQLite has one writer.
 */
export async function mergeLatencies(
  transaction: SqlTransaction,
  histograms: readonly PlacedHistogram[],
): Promise<void> {
  for (const part of chunks(histograms, rowsAtOnce)) {
    if (transaction.dialect === 'mysql')
      await upsertRows(
        transaction,
        present,
        part.map((one) => [one.span, one.bucket, one.dims, '']),
      )
    await addStored(transaction, part)
    await upsertRows(
      transaction,
      merged,
      part.map(({ span, bucket, dims, counts }) => [span, bucket, dims, encodeHistogram(counts)]),
    )
  }
}

async function addStored(transaction: SqlTransaction, histograms: readonly PlacedHistogram[]): Promise<void> {
  const known = new Map(histograms.map((one) => [placeKey(one.span, one.bucket, one.dims), one.counts]))
  const places = Map.groupBy(histograms, ({ span, bucket }) => `${span}:${bucket}`)
  const conditions = [...places.values()].map(
    (group) => `(span = ? AND bucket = ? AND dims IN (${group.map(() => '?').join(',')}))`,
  )
  const values = [...places.values()].flatMap((group): SqlValue[] => {
    const [{ span, bucket }] = group as [PlacedHistogram]
    return [span, bucket, ...group.map(({ dims }) => dims)]
  })
  const lock = transaction.dialect === 'mysql' ? ' FOR UPDATE' : ''
  const rows = await transaction.read(
    `SELECT span, bucket, dims, counts FROM latency_histograms WHERE ${conditions.join(' OR ')}${lock}`,
    values,
  )
  for (const row of rows) {
    const dims = Buffer.from(row['dims'] as Uint8Array)
    const counts = known.get(placeKey(Number(row['span']), Number(row['bucket']), dims))
    if (counts !== undefined) addStoredHistogram(counts, String(row['counts']))
  }
}

const placeKey = (span: number, bucket: number, dims: Buffer): string => `${span}:${bucket}:${dims.toString('latin1')}`
