import { Worker } from 'node:worker_threads'

/**
 * Moves what the write-ahead log holds into the file in a thread of its own: copying and syncing some thousand pages lasts up
 * to a second on a slow disk, and better-sqlite3 would do it in the middle of a commit, in the thread of all other work. The
 * thread is there while much is written: an import, a deletion, a restored pool.
 */
export interface SqliteCheckpoints {
  noteWritten(rows: number): void
  close(): Promise<void>
}

export type CheckpointEvents = {
  onStart(): void
  /** Nothing was written for a while, or the thread has failed: commits have to do it again. */
  onEnd(): void
}

/** So many rows within so long are worth a thread (some 10 MB); less is moved by a commit in a few milliseconds. */
const manyRows = 5_000
const windowMs = 10_000

type Running = { worker: Worker; gone: Promise<void> }

export function createSqliteCheckpoints(path: string, { onStart, onEnd }: CheckpointEvents): SqliteCheckpoints {
  const writtenRows = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  let running: Running | null = null
  let isClosed = false
  let windowStartMs = 0
  let windowRows = 0

  function start(): void {
    const worker = new Worker(new URL('./sqlite-checkpoint-thread.ts', import.meta.url), {
      workerData: { path, writtenRows },
      name: 'sqlite-checkpoints',
    })
    worker.unref()
    // 'error' is followed by 'exit'; without a listener it would end the process.
    worker.on('error', () => undefined)
    const gone = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        running = null
        resolve()
        if (!isClosed) onEnd()
      })
    })
    running = { worker, gone }
    onStart()
  }

  return {
    noteWritten(rows) {
      Atomics.add(writtenRows, 0, rows)
      if (running !== null || isClosed) return
      const nowMs = performance.now()
      if (nowMs - windowStartMs > windowMs) {
        windowStartMs = nowMs
        windowRows = 0
      }
      windowRows += rows
      if (windowRows >= manyRows) start()
    },
    async close() {
      isClosed = true
      running?.worker.postMessage('close')
      await running?.gone
    },
  }
}
