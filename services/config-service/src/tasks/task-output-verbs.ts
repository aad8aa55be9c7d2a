import { isTaskOver } from '@gpt-load/contracts/task-state'
import { authorise } from '../authorise.ts'
import { ApiProblem } from '../http/api-problem.ts'
import { commitChange } from '../truth/commit.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import type { Verb } from '../verb.ts'
import { countOutput, openOutput } from './task-output.ts'
import { exportParametersOf, requireTask, type TaskRow } from './task-row.ts'

/** What an export has made leaves only after the audit row of it is stored, whoever asked for the export. */
export const getTaskOutput: Verb<'getTaskOutput'> = async ({ ctx, input }) => {
  authorise(ctx, 'getTaskOutput')
  const { sql } = ctx.store
  const { result: task } = await commitChange({ ctx }, async (tx) => {
    const found = await requireOutput(tx, input.params.id)
    if ((await countOutput(tx.sql, found.id)) !== found.succeeded) throw outputGone()
    noteUse(tx, found, 'task.download')
    return found
  })
  const stream = openOutput({ sql, keyring: ctx.keyring }, task.id, task.succeeded)
  return { value: null, stream, file: fileOf(task) }
}

/** Not to be had from now on; its parts go within a minute (remove-task-rows.ts). */
export const deleteTaskOutput: Verb<'deleteTaskOutput'> = async ({ ctx, input }) => {
  authorise(ctx, 'deleteTaskOutput')
  await commitChange({ ctx }, async (tx) => {
    const task = await requireOutput(tx, input.params.id)
    await tx.sql.execute('UPDATE tasks SET output_until = 0 WHERE id = ?', [task.id])
    noteUse(tx, task, 'task.delete_output')
  })
  return { value: null }
}

async function requireOutput({ sql, nowMs }: ChangeTransaction, id: number): Promise<TaskRow> {
  const task = await requireTask(sql, id)
  if (task.kind !== 'export') throw new ApiProblem('not_found', 'Only exports have an output.')
  if (!isTaskOver(task))
    throw new ApiProblem('conflict', 'The export is under way: it can be downloaded when it has ended.')
  if (task.state !== 'succeeded') throw new ApiProblem('gone', `The export has ${task.state}: there is nothing of it.`)
  if (task.output_until <= nowMs) throw outputGone()
  return task
}

function outputGone(): ApiProblem {
  return new ApiProblem('gone', 'An export can be downloaded for a day, unless it is deleted. Start another one.')
}

function noteUse(tx: ChangeTransaction, task: TaskRow, action: string): void {
  const { content } = exportParametersOf(task)
  const detail = { group_id: task.group_id, keys: task.succeeded, content }
  tx.audit({ action, entity: 'task', entityId: task.id, detail })
}

function fileOf(task: TaskRow): { name: string; type: string } {
  const isPlain = exportParametersOf(task).content === 'plain'
  return {
    name: `keys-of-group-${task.group_id}-task-${task.id}.${isPlain ? 'txt' : 'jsonl'}`,
    type: isPlain ? 'text/plain' : 'application/x-ndjson',
  }
}
