// The log stream of standalone: producer and consumer in one process, one partition. A send is acknowledged when the
// handler has stored its batches, as a broker's is when the replicas have them. Memory is bounded by bytes: past it a
// send is refused, and the sender's spool takes over. Offsets continue where the handler's database stopped, so the
// same compare-and-set works. What was not stored when the process dies was never acknowledged.

import { setTimeout as delay } from 'node:timers/promises'
import { LogQueue } from './log-queue.ts'
import { SeekRequired } from './log-stream.ts'
import type { LogConsumer, LogConsumerHandler, LogProducer, StreamPartition } from './log-stream.ts'
import { placeKey } from './place-key.ts'
import { silentLogger } from './transport-logger.ts'
import type { TransportLogger } from './transport-logger.ts'

export type InProcessLogStreamOptions = {
  /** Names the topic, `local.{instance}`: stable across restarts of one installation. */
  instance: string
  /** In place of `local`, for a stream beside another one. */
  name?: string
  logger?: TransportLogger
  /** Sealed bytes that wait at most (default 32 MiB, several hundred thousand events). */
  maxQueuedBytes?: number
  /** A send is refused when the handler has not stored it by then (default 10 s). */
  sendTimeoutMs?: number
}

export interface InProcessLogStream {
  readonly topic: string
  /** Its `close` waits until what it took is stored: close it before the consumer. */
  readonly producer: LogProducer
  readonly consumer: LogConsumer
}

const defaultMaxQueuedBytes = 32 * 1_048_576
const defaultSendTimeoutMs = 10_000
const minRetryMs = 50
const maxRetryMs = 1_000

export function createInProcessLogStream(options: InProcessLogStreamOptions): InProcessLogStream {
  const { logger = silentLogger } = options
  const queue = new LogQueue({
    maxQueuedBytes: options.maxQueuedBytes ?? defaultMaxQueuedBytes,
    sendTimeoutMs: options.sendTimeoutMs ?? defaultSendTimeoutMs,
  })
  const place = { topic: `${options.name ?? 'local'}.${options.instance}`, partition: 0 }
  const closing = new AbortController()
  let running: Promise<void> | undefined
  const isConnected = () => running !== undefined && !closing.signal.aborted
  return {
    topic: place.topic,
    producer: { send: (batches) => queue.send(batches), isConnected, close: () => queue.drain() },
    consumer: {
      async run(handler) {
        if (running) throw new Error('a consumer has one handler')
        running = deliver({ queue, place, handler, logger, signal: closing.signal })
      },
      highWatermarks: () => new Map(queue.next === undefined ? [] : [[placeKey(place), queue.highWatermark]]),
      isConnected,
      async close() {
        closing.abort()
        await running
        queue.refuseAll()
      },
    },
  }
}

type Delivery = {
  queue: LogQueue
  place: StreamPartition
  handler: LogConsumerHandler
  logger: TransportLogger
  signal: AbortSignal
}

async function deliver({ queue, place, handler, logger, signal }: Delivery): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      if (queue.next === undefined) queue.startAt(await handler.startOffset(place))
      const records = await queue.head(place, signal)
      if (records.length === 0) break
      await handler.handle(place, records)
      queue.acknowledge(records.length)
      failures = 0
    } catch (error) {
      queue.release()
      if (error instanceof SeekRequired) queue.next = undefined
      logger.warn({ place: placeKey(place), reason: (error as Error).message }, 'records not stored, trying again')
      const waitMs = Math.min(maxRetryMs, minRetryMs * 2 ** Math.min(failures++, 10))
      await delay(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }
  handler.onRevoked(place)
}
