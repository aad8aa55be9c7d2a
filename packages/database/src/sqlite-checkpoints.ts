import { Worker } from 'node:worker_threads'

/**
 * Moves what the write-ahead log holds into the file in a thread of its own: copying and syncing some thousand pages lasts up
 * to a second on a slow disk, and better-sqlite3 would do it in the middle of a commit, in the thread of all other work.
 */
export interface SqliteCheckpoints {
  /** Rows that were written; many of them are a reason to move them. */
  noteWritten(rows: number): void
  close(): Promise<void>
}

/** @param onFailure the thread is gone: commits have to do it again. */
export function startSqliteCheckpoints(path: string, onFailure: () => void): SqliteCheckpoints {
  const writtenRows = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const worker = new Worker(new URL('./sqlite-checkpoint-thread.ts', import.meta.url), {
    workerData: { path, writtenRows },
  })
  worker.unref()
  // 'error' is followed by 'exit'; without a listener it would end the process.
  worker.on('error', () => undefined)
  let isClosing = false
  const gone = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      resolve()
      if (!isClosing) onFailure()
    })
  })
  return {
    noteWritten: (rows) => void Atomics.add(writtenRows, 0, rows),
    close() {
      isClosing = true
      worker.postMessage('close')
      return gone
    },
  }
}
