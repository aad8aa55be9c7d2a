// The thread behind sqlite-checkpoints.ts. PASSIVE never waits for readers or writers, and neither waits for it.

import SqliteFile from 'better-sqlite3'
import { parentPort, workerData } from 'node:worker_threads'

const { path, writtenRows } = workerData as { path: string; writtenRows: Int32Array }

const lookEveryMs = 100
/** Some 10 MB of the write-ahead log when they are keys, whose indexes are written all over the file. */
const rowsPerCheckpoint = 1_000

const file = new SqliteFile(path, { timeout: 0 })
file.pragma('synchronous = NORMAL')
let rows = 0

const looking = setInterval(() => {
  rows += Atomics.exchange(writtenRows, 0, 0)
  if (rows < rowsPerCheckpoint) return
  rows = 0
  file.pragma('wal_checkpoint(PASSIVE)')
}, lookEveryMs)

parentPort?.once('message', () => {
  clearInterval(looking)
  file.close()
})
