// The thread behind paced-load.ts.

import { parentPort, workerData } from 'node:worker_threads'
import { LoadConnection, type LoadAnswer } from './load-connection.ts'
import type { PacedLoadOptions } from './paced-load.ts'
import { createLedgerColumns, idBytes, type LedgerResult, type LoadFailure } from './request-ledger.ts'

const { url, token, perSecond, connections, maxRequests } = workerData as PacedLoadOptions
const tickMs = 1
const maxFailuresKept = 20

const { hostname: host, port, pathname } = new URL(url)
const body = JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }] })
const request = Buffer.from(
  [
    `POST ${pathname.replace(/\/$/, '')}/v1/chat/completions HTTP/1.1`,
    `Host: ${host}:${port}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n'),
)

const columns = createLedgerColumns(maxRequests)
/** When each could be sent, on this thread's clock. */
const sendableAtMs = new Float64Array(maxRequests)
const failures: LoadFailure[] = []
/** First in, first out: each is used often enough to be kept by the peer. */
const free = Array.from({ length: connections }, () => new LoadConnection({ host, port: Number(port) }))
const startedAtMs = performance.now()
let [due, sent, ok, failed] = [0, 0, 0, 0]
let isStopped = false
let isTold = false

function tick(): void {
  if (isStopped) return
  const nowMs = performance.now()
  const dueByNow = Math.min(maxRequests, Math.floor(((nowMs - startedAtMs) / 1_000) * perSecond))
  for (; due < dueByNow; due += 1) {
    sendableAtMs[due] = nowMs
    columns.lateMs[due] = nowMs - startedAtMs - (due * 1_000) / perSecond
  }
  sendWaiting()
  setTimeout(tick, tickMs)
}

function sendWaiting(): void {
  while (sent < due) {
    const connection = free.shift()
    if (connection === undefined) return
    const index = sent
    sent += 1
    connection.send(request, (answer) => {
      record(index, answer)
      free.push(connection)
      // Not at once: what could not be sent shall not make the stack grow.
      if (sent < due) setImmediate(sendWaiting)
      tellWhenDone()
    })
  }
}

function record(index: number, { status, head, detail }: LoadAnswer): void {
  const id = /\r\nx-gptload-request-id: *(\S+)/i.exec(head)?.[1] ?? ''
  if (status !== 200 || id.length > idBytes) {
    failed += 1
    if (failures.length < maxFailuresKept) failures.push({ status, detail, atMs: Date.now() })
    return
  }
  ok += 1
  columns.atMs[index] = Date.now()
  columns.tookMs[index] = performance.now() - sendableAtMs[index]!
  for (let at = 0; at < id.length; at += 1) columns.ids[index * idBytes + at] = id.charCodeAt(at)
}

function tellWhenDone(): void {
  if (!isStopped || isTold || ok + failed < due) return
  isTold = true
  for (const connection of free) connection.close()
  const result: LedgerResult = { sent, ok, failed, failures, seconds: stoppedAfterMs / 1_000, columns }
  parentPort?.postMessage(
    result,
    Object.values(columns).map(({ buffer }) => buffer),
  )
  parentPort?.close()
}

let stoppedAfterMs = 0
parentPort?.once('message', () => {
  isStopped = true
  stoppedAfterMs = performance.now() - startedAtMs
  tellWhenDone()
})
tick()
