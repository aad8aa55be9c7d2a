import { removeKeys } from '../keys/change-keys.ts'
import { changeSelected } from './selection-chunk.ts'

export const deleteChunk = changeSelected((tx, task, keys) => removeKeys(tx, task.group_id, keys, { task: task.id }))
