import type { ChangeTransaction } from '../truth/change-transaction.ts'
import type { ApplyChunk, ChunkOutcome, TaskWork } from './commit-chunk.ts'
import { lockSelected, selectKeys, type SelectedKey, type SelectionRange } from '../keys/select-keys.ts'
import { selectionParametersOf, type TaskRow } from './task-row.ts'

/** Rows that one transaction changes: within 50 ms on SQLite. */
export const changedPerChunk = { mysql: 2_000, sqlite: 500 } as const

/** The range of keys that a task has before it. */
export function rangeOf(task: TaskRow, limit: number): SelectionRange {
  const { selection } = selectionParametersOf(task)
  return { groupId: task.group_id, selection, after: task.position, upTo: task.end_position, limit }
}

/** Work that changes the selected keys, whose rows are locked; answers how many it changed. The others count as skipped. */
export function changeSelected(
  change: (tx: ChangeTransaction, task: TaskRow, keys: readonly SelectedKey[]) => Promise<number>,
): TaskWork {
  return async ({ store }, task) => {
    const range = rangeOf(task, changedPerChunk[store.dialect])
    const { ids: found, position, isLast } = await selectKeys(store.sql, range)
    const apply: ApplyChunk = async (tx) => {
      const keys = await lockSelected(tx.sql, range, found)
      const succeeded = keys.length === 0 ? 0 : await change(tx, task, keys)
      const outcome = { position, isLast, succeeded, skipped: found.length - succeeded, failed: 0, problems: [] }
      return outcome satisfies ChunkOutcome
    }
    return { apply, next: isLast ? null : position }
  }
}
