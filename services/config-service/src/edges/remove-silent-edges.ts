import type { DatabaseHandle } from '@gpt-load/database/database-handle'

/** An instance is one process start; one that has been silent for a week will not come back with its number. */
const keptForMs = 7 * 86_400_000

export async function removeSilentEdges(store: Pick<DatabaseHandle, 'sql'>, nowMs: number): Promise<number> {
  return store.sql.execute('DELETE FROM edges WHERE reported_at < ?', [nowMs - keptForMs])
}
