// The thread behind sqlite-checkpoints.ts. PASSIVE never waits for readers or writers, and neither waits for it.

import SqliteFile from 'better-sqlite3'
import { parentPort, workerData } from 'node:worker_threads'

const { path, writtenRows } = workerData as { path: string; writtenRows: Int32Array }

const lookEveryMs = 100
/** Some 10 MB of the write-ahead log when they are keys, whose indexes are written all over the file. */
const rowsPerCheckpoint = 1_000
/** Without a row for so long the thread ends. */
const maxIdleMs = 30_000

const file = new SqliteFile(path, { timeout: 0 })
file.pragma('synchronous = NORMAL')
let rows = 0
let lastRowMs = performance.now()

const looking = setInterval(() => {
  const written = Atomics.exchange(writtenRows, 0, 0)
  rows += written
  if (written > 0) lastRowMs = performance.now()
  else if (performance.now() - lastRowMs > maxIdleMs) return end()
  if (rows < rowsPerCheckpoint) return
  rows = 0
  file.pragma('wal_checkpoint(PASSIVE)')
}, lookEveryMs)

parentPort?.once('message', end)

function end(): void {
  clearInterval(looking)
  parentPort?.close()
  file.close()
}
