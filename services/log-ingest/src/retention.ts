import { seriesSteps } from '@gpt-load/contracts/api/stats'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import type { LogRetention } from './read-retention.ts'
import { contentTable, dayMs, dayOf, readPartitions, rowTables } from './stored-days.ts'

/**
 * Drops what is older than it may be. MySQL: whole partitions. SQLite: chunks, each a short transaction of its own, so that
 * storing goes on between them. How long rollups are kept the contract says; identities are kept a week past retention.
 */
export type RetentionOptions = { sql: SqlClient; nowMs: number; retention: LogRetention; signal: AbortSignal }

const rowsPerChunk = 2_000
/** A batch in a spool may come back this late and must still be recognised. */
const identityDays = 30

export async function applyRetention(options: RetentionOptions): Promise<void> {
  const { nowMs, retention } = options
  const nowS = Math.floor(nowMs / 1_000)
  await dropDays(options, [contentTable], retention.contentDays)
  await dropDays(options, rowTables, retention.rowDays)
  if (retention.rowDays > 0)
    await deleteInChunks(options, 'request_shapes', 'stored_on < ?', [dayOf(nowMs) - retention.rowDays])
  for (const { spanS, keptS } of [seriesSteps.minute, seriesSteps.hour])
    for (const table of ['request_rollups', 'model_rollups', 'error_rollups', 'latency_histograms'])
      await deleteInChunks(options, table, 'span = ? AND bucket < ?', [spanS, nowS - keptS])
  await deleteInChunks(options, 'key_rollups', 'bucket < ?', [nowS - seriesSteps.hour.keptS])
  await deleteInChunks(options, 'log_batches', 'committed_at < ?', [
    nowMs - Math.max(retention.rowDays, identityDays) * dayMs,
  ])
  await deleteInChunks(options, 'log_sources', 'last_committed_at < ?', [nowMs - identityDays * dayMs])
  await deleteInChunks(options, 'log_dead_letters', 'lettered_at < ?', [nowMs - identityDays * dayMs])
}

/** 0 days: for ever. */
async function dropDays(options: RetentionOptions, tables: readonly string[], days: number): Promise<void> {
  if (days === 0) return
  const { sql, nowMs } = options
  const firstKept = dayOf(nowMs) - days
  for (const table of tables) {
    if (sql.dialect === 'mysql') await dropPartitions(sql, table, firstKept)
    else await deleteInChunks(options, table, 'stored_on < ?', [firstKept])
  }
}

async function dropPartitions(sql: SqlClient, table: string, firstKept: number): Promise<void> {
  const partitions = await readPartitions(sql, table)
  // The newest stays whatever its age: a table needs one.
  const expired = partitions.slice(0, -1).filter(({ lessThan }) => lessThan > 1 && lessThan <= firstKept)
  if (expired.length === 0) return
  await sql.execute(`ALTER TABLE ${table} DROP PARTITION ${expired.map(({ name }) => name).join(', ')}`)
}

async function deleteInChunks(
  { sql, signal }: RetentionOptions,
  table: string,
  where: string,
  values: readonly number[],
): Promise<void> {
  const statement =
    sql.dialect === 'mysql'
      ? `DELETE FROM ${table} WHERE ${where} LIMIT ${rowsPerChunk}`
      : `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE ${where} LIMIT ${rowsPerChunk})`
  while (!signal.aborted) {
    const deleted = await sql.execute(statement, values)
    if (deleted < rowsPerChunk) return
  }
}
