// The thread that writes logs.db: batches come in by message, are stored by log-ingest's own code, and are acknowledged.
// SQLite is synchronous; here it stalls nobody.

import { parentPort, workerData } from 'node:worker_threads'
import { requestReplay } from '@gpt-load/database/logs/log-account-reader'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import { startLogIngest } from '@gpt-load/log-ingest/create-log-ingest'
import { defaultRetention } from '@gpt-load/log-ingest/read-retention'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { createMetrics } from '@gpt-load/service-kit/metrics'
import { createInProcessLogStream } from '@gpt-load/transport/in-process-log-stream'
import type { LogThreadRequest, LogThreadData } from './log-thread-client.ts'

const { databasePath, instance } = workerData as LogThreadData
if (parentPort === null) throw new Error('this file is the entry of a worker thread')
const port = parentPort

let retention = defaultRetention
const sql = createSqliteSqlClient(databasePath)
const metrics = createMetrics({ hasProcessMetrics: false })
const streams = {
  requests: createInProcessLogStream({ instance }),
  contents: createInProcessLogStream({ instance, name: 'local-content' }),
}
const report = (level: 'debug' | 'info' | 'warn' | 'error' | 'fatal') => (fields: unknown, message?: string) =>
  port.postMessage({ type: 'log', level, text: message ?? String(fields), detail: describe(fields) })
const logger = {
  debug: () => {},
  info: report('info'),
  warn: report('warn'),
  error: report('error'),
  fatal: report('fatal'),
}

const ingest = await startLogIngest({
  sql,
  consumer: streams.requests.consumer,
  contentConsumer: streams.contents.consumer,
  metrics,
  logger: logger as never,
  clock: createSystemClock(),
  readRetention: async () => retention,
  withLease: (_job, work) => work(new AbortController().signal),
})

port.on('message', async (request: LogThreadRequest) => {
  if (request.type === 'retention') ({ retention } = request)
  else if (request.type === 'send')
    await acknowledge(request.id, () => streams[request.stream].producer.send(request.batches))
  else if (request.type === 'replay')
    port.postMessage({ type: 'replay', id: request.id, text: String(await requestReplay(sql, request.letters)) })
  else if (request.type === 'metrics')
    port.postMessage({ type: 'metrics', id: request.id, text: (await metrics.render()).body })
  else {
    await ingest.close()
    await sql.close()
    port.postMessage({ type: 'closed' })
    port.close()
  }
})
port.postMessage({ type: 'ready' })

async function acknowledge(id: number, send: () => Promise<void>): Promise<void> {
  try {
    await send()
    port.postMessage({ type: 'sent', id })
  } catch (error) {
    port.postMessage({ type: 'sent', id, error: error instanceof Error ? error.message : String(error) })
  }
}

function describe(fields: unknown): string {
  const { err } = (fields ?? {}) as { err?: unknown }
  return err instanceof Error ? (err.stack ?? err.message) : ''
}
