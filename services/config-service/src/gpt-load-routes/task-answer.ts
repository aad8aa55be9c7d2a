import type { Task } from '@gpt-load/contracts/api/task'
import { isTaskOver, type TaskKind } from '@gpt-load/contracts/task-state'
import { gptLoadNever, gptLoadTaskTypes, type GptLoadTask } from '@gpt-load/contracts/gpt-load-api/task'
import type { RouteCall } from './gpt-load-route.ts'

/** Our tasks as GPT-Load shows its own. One that waits for its turn is running to it. */
export const idleTask: GptLoadTask = {
  task_type: '',
  is_running: false,
  processed: 0,
  total: 0,
  started_at: gptLoadNever,
  warnings: [],
}

export async function toGptLoadTasks(
  { ctx }: Pick<RouteCall<unknown>, 'ctx'>,
  tasks: readonly Task[],
): Promise<GptLoadTask[]> {
  const ids = [...new Set(tasks.map(({ group_id }) => group_id))]
  const groups = await ctx.store.database.group.findMany({
    where: { id: { in: ids } },
    select: { id: true, name: true },
  })
  const names = new Map(groups.map(({ id, name }) => [id, name]))
  return tasks.map((task) => toGptLoadTask(task, names.get(task.group_id)))
}

function toGptLoadTask(task: Task, groupName: string | undefined): GptLoadTask {
  const startedAt = task.started_at ?? task.created_at
  return {
    task_type: gptLoadTaskTypes[task.kind],
    is_running: !isTaskOver(task),
    ...(groupName === undefined ? {} : { group_name: groupName }),
    processed: task.processed,
    total: Math.max(task.total ?? 0, task.processed),
    // GPT-Load has no exports: what became of one is told by `processed`.
    ...(isTaskOver(task) && task.kind !== 'export' ? { result: resultOf(task) } : {}),
    ...errorOf(task),
    started_at: startedAt,
    ...(task.finished_at === null ? {} : endOf(startedAt, task.finished_at)),
    task_id: task.id,
    warnings: warningsOf(task),
  }
}

const restoringKinds: ReadonlySet<TaskKind> = new Set(['restore', 'enable', 'disable'])

function resultOf({ kind, processed, succeeded, skipped, failed }: Task): GptLoadTask['result'] {
  const ignored = { ignored_count: skipped + failed }
  if (kind === 'delete') return { deleted_count: succeeded, ...ignored }
  if (restoringKinds.has(kind)) return { restored_count: succeeded, ...ignored }
  if (kind === 'validate') return { total_keys: processed, valid_keys: succeeded, invalid_keys: failed }
  return { added_count: succeeded, ...ignored }
}

function errorOf({ state, error }: Task): Pick<GptLoadTask, 'error'> {
  if (error !== null) return { error }
  return state === 'cancelled' ? { error: 'The task was cancelled.' } : {}
}

function endOf(startedAt: string, finishedAt: string): Pick<GptLoadTask, 'finished_at' | 'duration_seconds'> {
  const durationMs = Date.parse(finishedAt) - Date.parse(startedAt)
  return { finished_at: finishedAt, duration_seconds: Math.max(0, durationMs) / 1_000 }
}

function warningsOf({ id, kind, failed, skipped }: Task): string[] {
  const where = `GET /api/v1/tasks/${id} says which`
  if (kind === 'validate') return skipped === 0 ? [] : [`${skipped} keys could not be judged`]
  return failed === 0 ? [] : [`${failed} entries are no keys: ${where}`]
}
