import { lockKeys } from '../key-state/locked-keys.ts'
import { restoreLocked } from '../keys/change-keys.ts'
import { changeSelected } from './selection-chunk.ts'

export const restoreChunk = changeSelected(async (tx, task, selected) => {
  const locked = await lockKeys(
    tx.sql,
    selected.map(({ id }) => id),
  )
  return restoreLocked(tx, task.group_id, [...locked.values()], { task: task.id })
})
