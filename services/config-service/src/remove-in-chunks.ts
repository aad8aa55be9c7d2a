import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { placeholders, type SqlValue } from '@gpt-load/database/sql-runner'

/** Removes what is older, oldest first, in short transactions by the index on its time. Answers how many rows went. */
export type RemoveOld = { table: string; key: string; time: string; beforeMs: number }

const rowsPerChunk = 1_000

export async function removeInChunks(store: DatabaseHandle, old: RemoveOld, signal: AbortSignal): Promise<number> {
  let removed = 0
  for (let chunk = -1; chunk !== 0 && !signal.aborted; removed += chunk) chunk = await removeChunk(store, old)
  return removed
}

async function removeChunk(store: DatabaseHandle, { table, key, time, beforeMs }: RemoveOld): Promise<number> {
  return store.write(async ({ sql }) => {
    const rows = await sql.query<{ id: SqlValue }>(
      `SELECT ${key} AS id FROM ${table} WHERE ${time} < ? ORDER BY ${time} LIMIT ${rowsPerChunk}`,
      [beforeMs],
    )
    if (rows.length === 0) return 0
    return sql.execute(
      `DELETE FROM ${table} WHERE ${key} IN (${placeholders(rows.length)})`,
      rows.map(({ id }) => id),
    )
  })
}
