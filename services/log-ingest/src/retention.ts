import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import { dayOf, partitionedTables, readPartitions } from './stored-days.ts'

/**
 * Drops what is older than it may be. MySQL: whole partitions. SQLite: chunks, each a short transaction of its own, so that
 * storing goes on between them. Minute rollups are kept 2 days, hours 90, days for ever; identities a week past retention.
 */
export type RetentionOptions = { sql: SqlClient; nowMs: number; retentionDays: number; signal: AbortSignal }

const rowsPerChunk = 2_000
const dayMs = 86_400_000
const minuteRollupDays = 2
const hourRollupDays = 90
/** A batch in a spool may come back this late and must still be recognised. */
const identityDays = 30

export async function applyRetention(options: RetentionOptions): Promise<void> {
  const { sql, nowMs, retentionDays } = options
  if (retentionDays > 0) {
    const firstKept = dayOf(nowMs) - retentionDays
    for (const table of partitionedTables) {
      if (sql.dialect === 'mysql') await dropPartitions(sql, table, firstKept)
      else await deleteInChunks(options, table, 'stored_on < ?', [firstKept])
    }
  }
  await deleteInChunks(options, 'request_rollups', 'span = 60 AND bucket < ?', [seconds(nowMs, minuteRollupDays)])
  await deleteInChunks(options, 'latency_rollups', 'span = 60 AND bucket < ?', [seconds(nowMs, minuteRollupDays)])
  await deleteInChunks(options, 'request_rollups', 'span = 3600 AND bucket < ?', [seconds(nowMs, hourRollupDays)])
  await deleteInChunks(options, 'latency_rollups', 'span = 3600 AND bucket < ?', [seconds(nowMs, hourRollupDays)])
  await deleteInChunks(options, 'key_rollups', 'bucket < ?', [seconds(nowMs, hourRollupDays)])
  await deleteInChunks(options, 'log_batches', 'committed_at < ?', [
    nowMs - Math.max(retentionDays, identityDays) * dayMs,
  ])
}

const seconds = (nowMs: number, days: number) => Math.floor(nowMs / 1000) - days * 86_400

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
