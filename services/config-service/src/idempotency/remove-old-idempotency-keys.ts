import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { removeInChunks } from '../remove-in-chunks.ts'
import { idempotencyKeptMs } from './claim.ts'

export async function removeOldIdempotencyKeys(
  store: DatabaseHandle,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  const old = { table: 'idempotency_keys', key: 'hash', time: 'created_at', beforeMs: nowMs - idempotencyKeptMs }
  return removeInChunks(store, old, signal)
}
