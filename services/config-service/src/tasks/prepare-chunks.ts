import type { VerbContext } from '../verb.ts'
import type { PreparedChunk } from './commit-chunk.ts'
import type { TaskRow } from './task-row.ts'
import { taskWork } from './task-work.ts'

/**
 * The chunks of one task, one after the other: while one is committed the next is prepared, most of it in other threads.
 */
export interface ChunkPreparation extends AsyncDisposable {
  /** For a row that was read after the chunk before it was committed. */
  prepare(ctx: VerbContext, task: TaskRow): Promise<PreparedChunk>
}

export function prepareChunks(): ChunkPreparation {
  let ahead: { position: number; chunk: Promise<PreparedChunk> } | null = null
  return {
    async prepare(ctx, task) {
      const work = taskWork[task.kind]
      const chunk = await (ahead?.position === task.position ? ahead.chunk : work(ctx, task))
      ahead = null
      if (chunk.next !== null) {
        ahead = { position: chunk.next, chunk: work(ctx, { ...task, position: chunk.next }) }
        // Whoever asks for it gets to know; nobody does when the task ends before.
        ahead.chunk.catch(() => {})
      }
      return chunk
    },
    async [Symbol.asyncDispose]() {
      await ahead?.chunk.catch(() => {})
    },
  }
}
