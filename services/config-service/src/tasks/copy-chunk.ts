import { removeKeys } from '../keys/change-keys.ts'
import { insertCopies } from '../keys/copy-keys.ts'
import { requireStandardGroup } from '../keys/insert-keys.ts'
import type { SelectedKey } from '../keys/select-keys.ts'
import { lockRows } from '../lock-rows.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { changeSelected } from './selection-chunk.ts'
import { selectionParametersOf, type TaskRow } from './task-row.ts'

/** Keys that the other group has already stay there as they are. */
export const copyChunk = changeSelected(async (tx, task, keys) => {
  const to = targetOf(task)
  await lockRows(tx.sql, 'groups', [to])
  return copyInto(tx, task, to, keys)
})

/** A copy, and in the same transaction out of the first group: at no time is a key in none of them. */
export const moveToGroupChunk = changeSelected(async (tx, task, keys) => {
  const to = targetOf(task)
  // Both, in one order: moves in opposite directions wait for each other's end.
  await lockRows(tx.sql, 'groups', [task.group_id, to])
  await copyInto(tx, task, to, keys)
  return removeKeys(tx, task.group_id, keys, { task: task.id, to })
})

function targetOf(task: TaskRow): number {
  const to = selectionParametersOf(task).to_group_id
  if (to === undefined) throw new Error(`task ${task.id} copies to no group`)
  return to
}

/** The caller has locked the group: what appears in it until the end is ours, and is counted. */
async function copyInto(
  tx: ChangeTransaction,
  task: TaskRow,
  to: number,
  keys: readonly SelectedKey[],
): Promise<number> {
  await requireStandardGroup(tx.sql, to)
  const copied = await insertCopies(tx, { from: task.group_id, to, ids: keys.map(({ id }) => id) })
  if (copied === 0) return 0
  const detail = { added: copied, from: task.group_id, task: task.id }
  tx.audit({ action: 'key.copy', entity: 'group', entityId: to, detail })
  return copied
}
