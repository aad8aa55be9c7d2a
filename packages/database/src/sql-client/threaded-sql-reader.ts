import { Worker } from 'node:worker_threads'
import type { SqlReader, SqlRow } from './sql-client.ts'

/**
 * Reads an SQLite file in a thread of its own, so that a slow query stalls neither requests nor the writer. Queries wait in
 * line, at most `maxWaiting`; past that, and past `timeoutMs`, a caller is refused.
 */
export interface ThreadedSqlReader extends SqlReader {
  close(): Promise<void>
}

const maxWaiting = 256
const timeoutMs = 30_000

type Waiting = { resolve(rows: SqlRow[]): void; reject(error: Error): void; timer: NodeJS.Timeout }

export function createThreadedSqlReader(path: string): ThreadedSqlReader {
  const worker = new Worker(new URL('./sqlite-reader-thread.ts', import.meta.url), { workerData: { path } })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let failure: Error | null = null

  const settle = (id: number): Waiting | undefined => {
    const entry = waiting.get(id)
    waiting.delete(id)
    clearTimeout(entry?.timer)
    return entry
  }
  const failAll = (error: Error) => {
    failure = error
    for (const id of waiting.keys()) settle(id)?.reject(error)
  }
  worker.on('message', ({ id, rows, error }: { id: number; rows?: SqlRow[]; error?: string }) => {
    const entry = settle(id)
    if (rows === undefined) entry?.reject(new Error(error))
    else entry?.resolve(rows)
  })
  worker.on('error', failAll)
  worker.on('exit', () => failAll(new Error('the log reader has ended')))

  return {
    dialect: 'sqlite',
    read(sql, values = []) {
      if (failure !== null) return Promise.reject(failure)
      if (waiting.size >= maxWaiting)
        return Promise.reject(new Error(`more than ${maxWaiting} log queries are waiting`))
      const id = ++lastId
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => settle(id)?.reject(new Error('the log query took too long')), timeoutMs)
        waiting.set(id, { resolve, reject, timer })
        worker.postMessage({ id, sql, values })
      })
    },
    async close() {
      await worker.terminate()
    },
  }
}
