import type { DatabaseHandle } from '@gpt-load/database/database-handle'

/**
 * Removes what only edges older than the oldest kept base would ask for, and not before they had time to take a newer one.
 * Deviations of key x model that became `active` again stay as rows for as long as an edge may have to be told.
 */
const minAgeMs = 600_000
const revisionsPerStatement = 2_000

export async function pruneChangeLog(
  store: DatabaseHandle,
  oldestBaseRevision: number | null,
  nowMs: number,
): Promise<void> {
  if (oldestBaseRevision === null) return
  const olderThanMs = nowMs - minAgeMs
  const [log] = await store.sql.query<{ first: number | null; last: number | null }>(
    'SELECT MIN(revision) AS first, (SELECT MAX(revision) FROM change_log WHERE revision <= ? AND created_at < ?) AS last FROM change_log',
    [oldestBaseRevision, olderThanMs],
  )
  if (log?.first == null || log.last === null) return
  for (let from = log.first; from <= log.last; from += revisionsPerStatement)
    await store.sql.execute('DELETE FROM change_log WHERE revision >= ? AND revision < ? AND revision <= ?', [
      from,
      from + revisionsPerStatement,
      log.last,
    ])
  await store.sql.execute("DELETE FROM key_model_states WHERE state = 'active' AND updated_at < ?", [
    await oldestTellableMs(store, olderThanMs),
  ])
}

/** A deviation that ended before the oldest change still in the log can be asked for by nobody. */
async function oldestTellableMs(store: DatabaseHandle, olderThanMs: number): Promise<number> {
  const [row] = await store.sql.query<{ at: number | null }>('SELECT MIN(created_at) AS at FROM change_log')
  return Math.min(row?.at ?? olderThanMs, olderThanMs)
}
