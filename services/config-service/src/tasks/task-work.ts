import type { TaskKind } from '@gpt-load/contracts/task-state'
import type { TaskWork } from './commit-chunk.ts'
import { copyChunk, moveToGroupChunk } from './copy-chunk.ts'
import { deleteChunk } from './delete-chunk.ts'
import { exportChunk } from './export-chunk.ts'
import { importChunk } from './import-chunk.ts'
import { disableChunk, enableChunk, restoreChunk } from './move-chunk.ts'
import { validateChunk } from './validate-chunk.ts'

/** What each kind of task does with a chunk. */
export const taskWork: Readonly<Record<TaskKind, TaskWork>> = {
  import: importChunk,
  delete: deleteChunk,
  restore: restoreChunk,
  enable: enableChunk,
  disable: disableChunk,
  validate: validateChunk,
  copy: copyChunk,
  move: moveToGroupChunk,
  export: exportChunk,
}
