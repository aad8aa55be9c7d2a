import type { TaskKind } from '@gpt-load/contracts/api/task'
import type { TaskWork } from './commit-chunk.ts'
import { copyChunk } from './copy-chunk.ts'
import { deleteChunk } from './delete-chunk.ts'
import { importChunk } from './import-chunk.ts'
import { restoreChunk } from './restore-chunk.ts'
import { validateChunk } from './validate-chunk.ts'

/** What each kind of task does with a chunk. */
export const taskWork: Readonly<Record<TaskKind, TaskWork>> = {
  import: importChunk,
  delete: deleteChunk,
  restore: restoreChunk,
  validate: validateChunk,
  copy: copyChunk,
}
