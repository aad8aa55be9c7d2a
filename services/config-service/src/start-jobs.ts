import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import { removeOldAudit } from './audit/remove-old-audit.ts'
import { removeSilentEdges } from './edges/remove-silent-edges.ts'
import { removeOrphanKeys } from './groups/remove-orphan-keys.ts'
import { removeOldIdempotencyKeys } from './idempotency/remove-old-idempotency-keys.ts'
import { removeOldResources } from './internal/resource-keys.ts'
import { removeOldHistory } from './keys/remove-old-history.ts'
import { pruneHistory } from './policy/policy-history.ts'
import { removeOldProbeLeases } from './probe/remove-old-probe-leases.ts'
import { removeExpiredSessions } from './sessions/remove-expired-sessions.ts'
import type { RecordContext } from './truth/policy-records.ts'
import { endBrokenImports, removeOldTasks, removeTaskInputs, removeTaskOutputs } from './tasks/remove-task-rows.ts'

/**
 * Clearing up that nobody waits for; what edges depend on (bases, due keys) is truth's (start-truth.ts). Every replica runs
 * every job; those that write much take a lease, so that one replica works and the others look on. A run that fails is
 * logged and tried again at the next interval.
 */
export type Jobs = {
  removeOrphanKeysSoon(): void
  stop(): Promise<void>
}

export type JobsOptions = Pick<RecordContext, 'keyring' | 'environmentSettings'> & {
  store: DatabaseHandle
  clock: Clock
  logger: Logger
}

const orphansIntervalMs = 60_000
const taskRowsIntervalMs = 30_000
const cleanUpIntervalMs = 3_600_000

export function startJobs(options: JobsOptions): Jobs {
  const { store, clock, logger } = options
  const every = (name: string, intervalMs: number, run: (signal: AbortSignal) => Promise<unknown>): Periodic =>
    startPeriodic({ name, intervalMs, clock, logger, run: async (signal) => void (await run(signal)) })
  const orphans = every('orphan-keys', orphansIntervalMs, (signal) => removeOrphanKeys({ store }, signal))
  const jobs = [
    orphans,
    every('task-inputs-and-outputs', taskRowsIntervalMs, async (signal) => {
      await endBrokenImports(store, clock.nowMs())
      await removeTaskInputs(store, signal)
      await removeTaskOutputs(store, clock.nowMs(), signal)
    }),
    every('old-tasks', cleanUpIntervalMs, (signal) => removeOldTasks(store, clock.nowMs(), signal)),
    every('silent-edges', cleanUpIntervalMs, () => removeSilentEdges(store, clock.nowMs())),
    every('expired-sessions', cleanUpIntervalMs, () => removeExpiredSessions(store, clock.nowMs())),
    every('idempotency-keys', cleanUpIntervalMs, (signal) => removeOldIdempotencyKeys(store, clock.nowMs(), signal)),
    every('probe-leases', cleanUpIntervalMs, () => removeOldProbeLeases(store)),
    every('resource-keys', cleanUpIntervalMs, (signal) => removeOldResources(store, clock.nowMs(), signal)),
    every('policy-history', cleanUpIntervalMs, (signal) => pruneHistory(store, clock.nowMs(), signal)),
    every('key-history', cleanUpIntervalMs, (signal) => removeOldHistory(store, clock.nowMs(), signal)),
    every('audit-log', cleanUpIntervalMs, (signal) => removeOldAudit(store, options, clock.nowMs(), signal)),
  ]
  // What a deletion left when the last process ended.
  orphans.trigger()
  return {
    removeOrphanKeysSoon: () => orphans.trigger(),
    stop: async () => void (await Promise.all(jobs.map((job) => job.stop()))),
  }
}
