import type { Task } from '@gpt-load/contracts/api/task'
import { isTaskOver } from '@gpt-load/contracts/task-state'
import { databaseNowMs } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { endTask } from './end-task.ts'
import { requireTask, toTask } from './task-row.ts'

/** At once when nobody works on it, else with the chunk that is under way. What was done stays. */
export async function cancelTask({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'cancelTask'>, 'params'>
}): Promise<VerbAnswer<Task>> {
  authorise(ctx, 'cancelTask')
  const { id } = input.params
  await commitChange({ ctx }, (tx) => cancel(tx, id))
  return { value: toTask(await requireTask(ctx.store.sql, id)) }
}

async function cancel(tx: ChangeTransaction, id: number): Promise<void> {
  // Takes the row's lock: a chunk that is under way is over by now, and the next one sees this.
  const marked = await tx.sql.execute('UPDATE tasks SET is_cancelled = ? WHERE id = ? AND finished_at = 0', [true, id])
  const { kind, state } = await requireTask(tx.sql, id)
  if (marked === 0 || isTaskOver({ state })) throw new ApiProblem('conflict', 'The task has ended already.')
  const [held] = await tx.sql.query(
    `SELECT id FROM tasks WHERE id = ? AND state <> 'receiving' AND lease_until > ${databaseNowMs(tx.sql.dialect)}`,
    [id],
  )
  if (held === undefined) await endTask(tx.sql, id, { state: 'cancelled', nowMs: tx.nowMs })
  tx.audit({ action: 'task.cancel', entity: 'task', entityId: id, detail: { kind } })
}
