// The consuming end of the log stream over Kafka. The place to continue at is the handler's (its database), never
// Kafka's: every assigned partition stays paused until the handler has said its offset, and each fetched batch is held
// against it. Offsets are committed to Kafka only so that its tools can show lag. A session that breaks is thrown away
// whole and made anew; the handler's own compare-and-set is what stops a consumer that lost its partition unawares.

import { setTimeout as delay } from 'node:timers/promises'
import { logTopic } from '@gpt-load/contracts/log-event'
import { openConsumerSession } from './kafka-consumer-session.ts'
import type { ConsumerSession } from './kafka-consumer-session.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import type { LogConsumer, LogConsumerHandler } from './log-stream.ts'
import { silentLogger } from './transport-logger.ts'
import type { TransportLogger } from './transport-logger.ts'

export type KafkaLogConsumerOptions = {
  connection: KafkaConnection
  clientId: string
  /** Without the prefix. */
  groupId: string
  /** Without the prefix; default `request-logs`. */
  topics?: readonly string[]
  logger?: TransportLogger
  /** After so long without a heartbeat the group gives the partitions to others (default 30 s, brokers allow 6 s and more). */
  sessionTimeoutMs?: number
  /** A fetch waits so long for records; rebalances and pauses are seen in between only (default 250 ms). */
  maxWaitMs?: number
  /** Partitions that are handled at the same time (default 3). */
  concurrency?: number
}

const minReconnectMs = 200
const maxReconnectMs = 5_000

export function createKafkaLogConsumer(options: KafkaLogConsumerOptions): LogConsumer {
  const { logger = silentLogger } = options
  const closing = new AbortController()
  const watermarks = new Map<string, string>()
  let session: ConsumerSession | undefined
  let running: Promise<void> | undefined

  const runSessions = async (handler: LogConsumerHandler): Promise<void> => {
    for (let failures = 0; !closing.signal.aborted;) {
      session = openConsumerSession({ ...options, topics: options.topics ?? [logTopic], logger, handler, watermarks })
      const reason = await session.untilEnded()
      failures = session.hasJoined ? 1 : failures + 1
      await session.close()
      if (closing.signal.aborted) return
      logger.warn({ group: options.groupId, reason: reason.message }, 'log stream lost')
      const waitMs = Math.min(maxReconnectMs, minReconnectMs * 2 ** Math.min(failures, 10))
      await delay(waitMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  return {
    async run(handler) {
      if (running) throw new Error('a consumer has one handler')
      running = runSessions(handler)
    },
    highWatermarks: () => watermarks,
    isConnected: () => session?.isConnected() ?? false,
    async close() {
      closing.abort()
      await session?.close()
      await running
    },
  }
}
