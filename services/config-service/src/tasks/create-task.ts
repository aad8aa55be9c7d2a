import type { TaskKind, TaskState } from '@gpt-load/contracts/task-state'
import type { WriteTransaction } from '@gpt-load/database/database-handle'
import type { VerbContext } from '../verb.ts'
import type { ExportParameters, ImportParameters, ListedParameters, SelectionParameters } from './task-row.ts'

export type NewTask = {
  kind: TaskKind
  groupId: number
  state: Extract<TaskState, 'receiving' | 'queued'>
  parameters: ImportParameters | SelectionParameters | ExportParameters | ListedParameters
  endPosition: number
  total: number | null
}

/** Answers its id. Its lease is free: a new task comes before those that wait for their next turn. */
export async function insertTask(
  { database }: WriteTransaction,
  { actor, requestId, clock }: VerbContext,
  task: NewTask,
): Promise<number> {
  const { id } = await database.task.create({
    data: {
      kind: task.kind,
      group_id: task.groupId,
      state: task.state,
      parameters: JSON.stringify(task.parameters),
      is_cancelled: false,
      position: 0,
      end_position: task.endPosition,
      total: task.total,
      succeeded: 0,
      skipped: 0,
      failed: 0,
      problem_count: 0,
      error: '',
      revision: 0,
      owner: '',
      fence: 0,
      lease_until: 0,
      created_by: actor.name.slice(0, 100),
      request_id: requestId.slice(0, 64),
      created_at: clock.nowMs(),
      started_at: 0,
      finished_at: 0,
      output_until: 0,
    },
  })
  return id
}
