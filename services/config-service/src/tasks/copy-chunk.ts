import { insertCopies } from '../keys/copy-keys.ts'
import { requireStandardGroup } from '../keys/insert-keys.ts'
import { lockRows } from '../lock-rows.ts'
import { changeSelected } from './selection-chunk.ts'
import { selectionParametersOf } from './task-row.ts'

/** Keys that the other group has already stay there as they are. */
export const copyChunk = changeSelected(async (tx, task, keys) => {
  const to = selectionParametersOf(task).to_group_id
  if (to === undefined) throw new Error(`task ${task.id} copies to no group`)
  // Alone with the group's keys: what appears in it until the end is ours, and is counted.
  await lockRows(tx.sql, 'groups', [to])
  await requireStandardGroup(tx.sql, to)
  const copied = await insertCopies(tx, { from: task.group_id, to, ids: keys.map(({ id }) => id) })
  if (copied === 0) return 0
  const detail = { added: copied, from: task.group_id, task: task.id }
  tx.audit({ action: 'key.copy', entity: 'group', entityId: to, detail })
  return copied
})
