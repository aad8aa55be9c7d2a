import { removeKeys } from '../keys/change-keys.ts'
import { findKeyIds } from '../keys/find-key-ids.ts'
import { lockSelected } from '../keys/select-keys.ts'
import type { TaskWork } from './commit-chunk.ts'
import { changePart } from './part-chunk.ts'
import { changeSelected } from './selection-chunk.ts'
import { isOverInput } from './task-row.ts'

const deleteSelected = changeSelected((tx, task, keys) => removeKeys(tx, task.group_id, keys, { task: task.id }))

const deleteListed = changePart(async (ctx, { id: task, group_id: groupId }, keys) => {
  const ids = [
    ...(
      await findKeyIds(
        ctx,
        groupId,
        keys.map(({ key }) => key),
      )
    ).values(),
  ]
  return async (tx) => {
    const locked = await lockSelected(tx.sql, { groupId, selection: { ids } }, ids)
    return locked.length === 0 ? 0 : removeKeys(tx, groupId, locked, { task })
  }
})

export const deleteChunk: TaskWork = (ctx, task) =>
  isOverInput(task) ? deleteListed(ctx, task) : deleteSelected(ctx, task)
