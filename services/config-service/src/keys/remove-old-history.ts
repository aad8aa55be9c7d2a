import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { removeInChunks } from '../remove-in-chunks.ts'

/** Transitions older than this explain nothing any more. */
const keptForMs = 90 * 86_400_000

export async function removeOldHistory(store: DatabaseHandle, nowMs: number, signal: AbortSignal): Promise<number> {
  return removeInChunks(store, { table: 'key_events', key: 'id', time: 'at', beforeMs: nowMs - keptForMs }, signal)
}
