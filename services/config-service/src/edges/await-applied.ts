import { edgeReachableMs } from '@gpt-load/contracts/edge-report'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Position } from '../truth/read-position.ts'

/**
 * How far a revision has come: edges that report at all, and those of them that have applied it. Edges report to any
 * replica, at once after they applied something, so their rows are looked at until all are there or the time is over.
 */
export type Applied = { reachable: number; applied: number }
export type AppliedOptions = {
  store: Pick<DatabaseHandle, 'sql'>
  clock: Clock
  timeoutMs?: number
}

const pollMs = 40

export async function awaitApplied(position: Position, options: AppliedOptions): Promise<Applied> {
  const { store, clock, timeoutMs = 1_000 } = options
  const deadline = clock.monotonicMs() + timeoutMs
  for (;;) {
    const applied = await countApplied(store, position, clock.nowMs())
    if (applied.applied === applied.reachable || clock.monotonicMs() + pollMs > deadline) return applied
    await clock.sleep(pollMs)
  }
}

async function countApplied(
  store: Pick<DatabaseHandle, 'sql'>,
  { epoch, revision }: Position,
  nowMs: number,
): Promise<Applied> {
  const [row] = await store.sql.query<{ reachable: number; applied: number | null }>(
    'SELECT COUNT(*) AS reachable, SUM(CASE WHEN epoch = ? AND revision >= ? THEN 1 ELSE 0 END) AS applied ' +
      'FROM edges WHERE reported_at > ?',
    [epoch, revision, nowMs - edgeReachableMs],
  )
  return { reachable: row?.reachable ?? 0, applied: Number(row?.applied ?? 0) }
}
