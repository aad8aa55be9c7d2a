import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { placeholders } from '@gpt-load/database/sql-runner'

/** Transitions older than this explain nothing any more; removed in chunks by the index on their time. */
const keptForMs = 90 * 86_400_000
const rowsPerChunk = 1_000

export async function removeOldHistory(store: DatabaseHandle, nowMs: number, signal: AbortSignal): Promise<number> {
  let removed = 0
  for (let chunk = -1; chunk !== 0 && !signal.aborted; removed += chunk)
    chunk = await removeChunk(store, nowMs - keptForMs)
  return removed
}

async function removeChunk(store: DatabaseHandle, beforeMs: number): Promise<number> {
  return store.write(async ({ sql }) => {
    const rows = await sql.query<{ id: number }>(
      `SELECT id FROM key_events WHERE at < ? ORDER BY at LIMIT ${rowsPerChunk}`,
      [beforeMs],
    )
    if (rows.length === 0) return 0
    return sql.execute(
      `DELETE FROM key_events WHERE id IN (${placeholders(rows.length)})`,
      rows.map(({ id }) => id),
    )
  })
}
