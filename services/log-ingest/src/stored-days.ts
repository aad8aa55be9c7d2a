import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'

/**
 * Partitions by the day of ingest (MySQL). Only a missing *today* could stop an insert, so it is made before the first
 * insert of a day, and tomorrow's with it. SQLite has no partitions: days are rows' stored_on only.
 */
export const rowTables = ['request_logs', 'request_attempts', 'failed_requests'] as const
export const contentTable = 'request_contents'
export const dayMs = 86_400_000

export const dayOf = (nowMs: number): number => Math.floor(nowMs / dayMs)

export interface StoredDays {
  /** Resolves when rows of this day can be inserted. */
  ensure(day: number): Promise<void>
}

export function createStoredDays(sql: SqlClient): StoredDays {
  let madeUntil = -1
  let pending: Promise<void> | null = null
  async function make(day: number): Promise<void> {
    for (const table of [...rowTables, contentTable]) await addPartitions(sql, table, day + 1)
    madeUntil = day + 1
  }
  return {
    async ensure(day: number): Promise<void> {
      if (sql.dialect === 'sqlite' || day < madeUntil) return
      pending ??= make(day).finally(() => {
        pending = null
      })
      await pending
    },
  }
}

export type StoredPartition = { name: string; lessThan: number }

export async function readPartitions(sql: SqlClient, table: string): Promise<StoredPartition[]> {
  const rows = await sql.read(
    'SELECT PARTITION_NAME AS name, PARTITION_DESCRIPTION AS less_than FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND PARTITION_NAME IS NOT NULL',
    [table],
  )
  return rows
    .map(({ name, less_than }) => ({ name: String(name), lessThan: Number(less_than) }))
    .toSorted((a, b) => a.lessThan - b.lessThan)
}

async function addPartitions(sql: SqlClient, table: string, until: number): Promise<void> {
  const newest = (await readPartitions(sql, table)).at(-1)?.lessThan ?? 0
  // After a long pause the days between share the first new partition.
  for (let day = Math.max(newest, until - 1); day <= until; day += 1) {
    const statement = `ALTER TABLE ${table} ADD PARTITION (PARTITION p${day} VALUES LESS THAN (${day + 1}))`
    await sql.execute(statement).catch((error: unknown) => ignoreExisting(error))
  }
}

/** Another instance was quicker: the range or the name is there already. */
function ignoreExisting(error: unknown): void {
  const { errno } = error as { errno?: number }
  if (errno !== 1493 && errno !== 1517) throw error
}
