// The main thread's side of the content log: hands what workers captured to the content thread and sends what comes back. Not
// part of what may not be lost: past the bound, and when its thread fails, contents are dropped and counted. Nothing of it, not
// even the thread and the connection, exists before a group records.

import { Worker } from 'node:worker_threads'
import { createBackoff } from '@gpt-load/service-kit/backoff'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { LogProducer, SealedBatch } from '@gpt-load/transport/log-stream'
import type { CapturedContent } from '../../data-plane/observe/content-capture.ts'
import type { ContentThreadData, FromContentThread } from './content-thread.ts'

/** In the thread and sealed: some five hundred of the largest at the default bound of a body. */
const maxWaitingBytes = 64 * 1_048_576
/** A thread that fails at once must not be started for every request. */
const restartAfterMs = 1_000
const flushPollMs = 10

export type ContentShipperCounts = { captured: number; sent: number; dropped: number; waitingBytes: number }

export interface ContentShipper {
  /** Never waits, never throws. The bytes are taken over. */
  add(content: CapturedContent): void
  readonly counts: Readonly<ContentShipperCounts>
  /** Resolves when everything is sent, or the time is over. */
  flush(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

export type ContentShipperOptions = {
  edge: string
  instance: string
  /** null = there is no log stream: contents are counted and dropped. */
  openProducer: (() => LogProducer) | null
  clock: Clock
  logger: Logger
  /** Default: 64 MiB. */
  maxWaitingBytes?: number
}

export function createContentShipper(options: ContentShipperOptions): ContentShipper {
  const { clock, logger, openProducer } = options
  const bound = options.maxWaitingBytes ?? maxWaitingBytes
  const closing = new AbortController()
  const backoff = createBackoff({ baseMs: 100, maxMs: 2_000, minMs: 20 })
  const counts: ContentShipperCounts = { captured: 0, sent: 0, dropped: 0, waitingBytes: 0 }
  let thread: Worker | null = null
  let threads = 0
  let failedAtMs = Number.NEGATIVE_INFINITY
  let producer: LogProducer | null = null
  /** Bytes of each content that the thread has, in order. */
  let inThread: number[] = []
  let queue: SealedBatch[] = []
  let sending: Promise<void> | undefined
  let lastReason = ''

  function openThread(): Worker | null {
    if (openProducer === null) return null
    if (thread !== null) return thread
    if (clock.monotonicMs() - failedAtMs < restartAfterMs) return null
    threads += 1
    const workerData: ContentThreadData = { source: `${options.instance}.content-${threads}`, edge: options.edge }
    const started = new Worker(new URL('./content-thread.ts', import.meta.url), { workerData, name: 'content' })
    started.on('message', (message: FromContentThread) => receive(message))
    started.on('error', (error) => logger.error({ err: error }, 'the content thread failed'))
    started.on('exit', () => leave(started))
    thread = started
    return started
  }

  function leave(ended: Worker): void {
    if (thread !== ended) return
    thread = null
    failedAtMs = clock.monotonicMs()
    drop(inThread.length)
    settle(inThread.length)
  }

  /** The thread is done with so many of the oldest. */
  function settle(count: number): void {
    for (const bytes of inThread.slice(0, count)) counts.waitingBytes -= bytes
    inThread = inThread.slice(count)
  }

  function drop(count: number): void {
    counts.dropped += count
  }

  function receive(message: FromContentThread): void {
    if (message.type === 'refused') {
      settle(1)
      drop(1)
      if (message.reason !== lastReason) logger.error({ reason: message.reason }, 'bodies are not recorded')
      lastReason = message.reason
      return
    }
    const { identity, bytes } = message
    settle(identity.count)
    counts.waitingBytes += bytes.length
    queue.push({ identity, bytes })
    sending ??= sendAll().finally(() => {
      sending = undefined
    })
  }

  async function sendAll(): Promise<void> {
    producer ??= openProducer?.() ?? null
    while (producer !== null && queue.length > 0 && !closing.signal.aborted) {
      const [batch] = queue as [SealedBatch]
      const isSent = await producer.send([batch]).then(
        () => true,
        () => false,
      )
      if (!isSent) {
        await clock.sleep(backoff.nextMs(), closing.signal)
        continue
      }
      backoff.reset()
      queue.shift()
      counts.waitingBytes -= batch.bytes.length
      counts.sent += batch.identity.count
    }
  }

  return {
    add(content) {
      counts.captured += 1
      const bodies = [content.request, content.response].flatMap((body) => body?.bytes ?? [])
      const bytes = bodies.reduce((sum, body) => sum + body.length, 0)
      const worker = counts.waitingBytes + bytes > bound ? null : openThread()
      if (worker === null) return drop(1)
      inThread.push(bytes)
      counts.waitingBytes += bytes
      worker.postMessage(
        content,
        bodies.map((body) => body.buffer),
      )
    },
    counts,
    async flush(timeoutMs) {
      const deadline = clock.monotonicMs() + timeoutMs
      while (inThread.length + queue.length > 0 && clock.monotonicMs() < deadline) await clock.sleep(flushPollMs)
    },
    async close() {
      closing.abort()
      await sending
      drop(inThread.length + queue.reduce((sum, { identity }) => sum + identity.count, 0))
      const ended = thread
      thread = null
      await ended?.terminate()
      await producer?.close()
    },
  }
}
