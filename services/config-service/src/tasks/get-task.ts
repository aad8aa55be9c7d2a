import type { TaskDetail, TaskProblem } from '@gpt-load/contracts/api/task'
import { authorise } from '../authorise.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { requireTask, toTask } from './task-row.ts'

export async function getTask({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getTask'>, 'params'>
}): Promise<VerbAnswer<TaskDetail>> {
  authorise(ctx, 'getTask')
  const { sql } = ctx.store
  const row = await requireTask(sql, input.params.id)
  const problems = await sql.query<TaskProblem>(
    'SELECT line, key_id, hint, reason FROM task_problems WHERE task_id = ? ORDER BY ordinal',
    [row.id],
  )
  return { value: { ...toTask(row), problems } }
}
