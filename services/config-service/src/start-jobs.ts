import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import { removeSilentEdges } from './edges/remove-silent-edges.ts'
import { removeOrphanKeys } from './groups/remove-orphan-keys.ts'
import { sweepDue } from './key-state/sweep-due.ts'
import { removeOldHistory } from './keys/remove-old-history.ts'
import { buildBaseIfNeeded } from './truth/base-builder.ts'
import type { RecordContext } from './truth/policy-records.ts'

/**
 * What config-service does without being asked. Every replica runs every job; those that write much take a lease, so that
 * one replica works and the others look on. A run that fails is logged and tried again at the next interval.
 */
export type Jobs = {
  removeOrphanKeysSoon(): void
  stop(): Promise<void>
}

export type JobsOptions = { store: DatabaseHandle; records: RecordContext; clock: Clock; logger: Logger }

const baseIntervalMs = 2_000
const sweepIntervalMs = 1_000
const orphansIntervalMs = 60_000
const cleanUpIntervalMs = 3_600_000

export function startJobs({ store, records, clock, logger }: JobsOptions): Jobs {
  const every = (
    name: string,
    intervalMs: number,
    isImmediate: boolean,
    run: (signal: AbortSignal) => Promise<unknown>,
  ): Periodic =>
    startPeriodic({ name, intervalMs, isImmediate, clock, logger, run: async (signal) => void (await run(signal)) })
  const orphans = every('orphan-keys', orphansIntervalMs, true, (signal) => removeOrphanKeys({ store }, signal))
  const jobs = [
    every('snapshot-base', baseIntervalMs, true, () => buildBaseIfNeeded({ store, context: records, clock, logger })),
    every('key-sweep', sweepIntervalMs, false, () => sweepDue(store, clock.nowMs())),
    every('silent-edges', cleanUpIntervalMs, false, () => removeSilentEdges(store, clock.nowMs())),
    every('key-history', cleanUpIntervalMs, false, (signal) => removeOldHistory(store, clock.nowMs(), signal)),
    orphans,
  ]
  return {
    removeOrphanKeysSoon: () => orphans.trigger(),
    stop: async () => void (await Promise.all(jobs.map((job) => job.stop()))),
  }
}
