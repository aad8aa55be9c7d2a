// The thread behind threaded-sql-reader.ts: one read-only connection, one query at a time.

import { parentPort, workerData } from 'node:worker_threads'
import type { SqlValue } from './sql-client.ts'
import { createSqliteSqlClient } from './sqlite-sql-client.ts'

const { path } = workerData as { path: string }
const client = createSqliteSqlClient(path, { isReadOnly: true })

parentPort?.on('message', async (request: { id: number; sql: string; values: readonly SqlValue[] }) => {
  try {
    parentPort?.postMessage({ id: request.id, rows: await client.read(request.sql, request.values) })
  } catch (error) {
    parentPort?.postMessage({ id: request.id, error: error instanceof Error ? error.message : String(error) })
  }
})
