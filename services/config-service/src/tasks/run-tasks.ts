import { faultOf, LeaseLost } from '@gpt-load/database/database-errors'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import { ApiProblem } from '../http/api-problem.ts'
import type { Services } from '../services.ts'
import type { VerbContext } from '../verb.ts'
import { commitChunk } from './commit-chunk.ts'
import { endTask, type Ending } from './end-task.ts'
import { prepareChunks } from './prepare-chunks.ts'
import { claimTask, holdTask, isAnyTaskWaiting, leaseMs, releaseTask, renewTask, type TaskLease } from './task-lease.ts'
import { requireTask, type TaskRow } from './task-row.ts'

/**
 * Works on tasks of any replica. A replica has a few in hand and gives each back after its turn when others wait, so that any
 * number of them moves on, and a probe of a million keys holds up no import. What is in hand when the process ends is given
 * back after its chunk; when it is killed the lease runs out and another replica, or the next process, goes on.
 */
export type TaskRunner = {
  /** There is something to do: a task was made. */
  trigger(): void
  stop(): Promise<void>
}

/** At the same time, per replica: each holds a chunk of keys and now and then a connection. */
const maxTasksInHand = 4
const turnMs = 2_000
/** How soon a replica sees what another one has made or left. */
const pollMs = 1_000

export function startTaskRunner(services: Services): TaskRunner {
  const { store, clock, logger } = services
  const inHand = new Set<Promise<void>>()

  async function fill(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && inHand.size < maxTasksInHand) {
      const lease = await claimTask(store)
      if (lease === null) return
      const turn = takeTurn(services, lease, signal).finally(() => {
        inHand.delete(turn)
        periodic.trigger()
      })
      inHand.add(turn)
    }
  }

  const periodic: Periodic = startPeriodic({
    name: 'tasks',
    intervalMs: pollMs,
    isImmediate: true,
    clock,
    logger,
    run: fill,
  })
  return {
    trigger: () => periodic.trigger(),
    async stop() {
      await periodic.stop()
      await Promise.all(inHand)
    },
  }
}

/** Never rejects: what goes wrong with one task is its own matter. */
async function takeTurn(services: Services, lease: TaskLease, stopping: AbortSignal): Promise<void> {
  const lost = new AbortController()
  const renewal = startPeriodic({
    name: 'task-lease',
    intervalMs: leaseMs / 3,
    clock: services.clock,
    logger: services.logger,
    run: async () => {
      if (!(await renewTask(services.store.sql, lease))) lost.abort()
    },
  })
  try {
    await workForATurn(services, lease, AbortSignal.any([stopping, lost.signal]))
  } catch (error) {
    await settleFailure(services, lease, error)
  } finally {
    await renewal.stop()
  }
}

async function workForATurn(services: Services, lease: TaskLease, signal: AbortSignal): Promise<void> {
  const { store, clock } = services
  await using chunks = prepareChunks()
  let endsAtMs = clock.monotonicMs() + turnMs
  while (!signal.aborted) {
    const task = await requireTask(store.sql, lease.taskId)
    if (task.is_cancelled === 1) return endHeld(services, lease, { state: 'cancelled' })
    const ctx = contextOf(services, task)
    const { apply } = await chunks.prepare(ctx, task)
    if (await commitChunk(ctx, lease, apply)) return
    if (clock.monotonicMs() < endsAtMs) continue
    if (await isAnyTaskWaiting(store)) break
    endsAtMs = clock.monotonicMs() + turnMs
  }
  await releaseTask(store.sql, lease)
}

/** Who asked for it is who the audit log names; what they may do was checked when they asked. */
function contextOf(services: Services, task: TaskRow): VerbContext {
  const scopes = new Set(['read', 'write'] as const)
  return { ...services, actor: { name: task.created_by, scopes }, requestId: task.request_id }
}

async function endHeld(
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  lease: TaskLease,
  ending: Omit<Ending, 'nowMs'>,
): Promise<void> {
  await store.write(async ({ sql }) => {
    const { id } = await holdTask(sql, lease)
    await endTask(sql, id, { ...ending, nowMs: clock.nowMs() })
  })
}

async function settleFailure(services: Services, lease: TaskLease, error: unknown): Promise<void> {
  const { logger } = services
  if (error instanceof LeaseLost) return
  if (faultOf(error) === 'unavailable') {
    logger.warn({ err: error, task: lease.taskId }, 'a task rests until the database is back')
    return
  }
  const isExpected = error instanceof ApiProblem
  if (!isExpected) logger.error({ err: error, task: lease.taskId }, 'a task failed')
  const reason = isExpected ? error.message : 'This is a defect of the server: the log names it by the id of the task.'
  try {
    await endHeld(services, lease, { state: 'failed', error: reason })
  } catch (second) {
    // Its lease runs out, and it is tried again.
    if (!(second instanceof LeaseLost)) logger.warn({ err: second, task: lease.taskId }, 'a failed task stays open')
  }
}
