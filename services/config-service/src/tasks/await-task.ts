import type { Task } from '@gpt-load/contracts/api/task'
import { isTaskOver } from '@gpt-load/contracts/task-state'
import type { Services } from '../services.ts'
import { requireTask, toTask } from './task-row.ts'

/** The task when it has ended, or as it is after a time: it goes on by itself. */
const pollMs = 50

export async function awaitTask(
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  id: number,
  { timeoutMs }: { timeoutMs: number },
): Promise<Task> {
  const endsAtMs = clock.monotonicMs() + timeoutMs
  for (;;) {
    const task = toTask(await requireTask(store.sql, id))
    if (isTaskOver(task) || clock.monotonicMs() >= endsAtMs) return task
    await clock.sleep(pollMs)
  }
}
