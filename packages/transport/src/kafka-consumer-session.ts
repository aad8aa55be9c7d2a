// One life of a consumer group member, from connecting to the first error that kafkajs does not get over by itself.
// Per partition a small state machine: asking (paused) -> ready -> handling -> ready, or back-off (paused), or asking again.
// Every join of the group begins a new generation of states; what belongs to an older one changes nothing any more.

import { setTimeout as delay } from 'node:timers/promises'
import type { Batch, Consumer, EachBatchPayload } from 'kafkajs'
import { createKafkaClient, kafkaName, kafkaRetry } from './kafka-client.ts'
import type { KafkaLogConsumerOptions } from './kafka-log-consumer.ts'
import { SeekRequired } from './log-stream.ts'
import type { LogConsumerHandler, StreamPartition, StreamRecord } from './log-stream.ts'
import { placeKey } from './place-key.ts'
import type { TransportLogger } from './transport-logger.ts'
import { withTimeout } from './with-timeout.ts'

export type ConsumerSessionOptions = KafkaLogConsumerOptions & {
  topics: readonly string[]
  logger: TransportLogger
  handler: LogConsumerHandler
  /** Kept up to date for the assigned partitions; owned by the consumer. */
  watermarks: Map<string, string>
}

export interface ConsumerSession {
  readonly hasJoined: boolean
  isConnected(): boolean
  /** Resolves with the reason when the session cannot go on. */
  untilEnded(): Promise<Error>
  /** Gives back all partitions; waits a bounded time for handlers that are at work. */
  close(): Promise<void>
}

type Assigned = StreamPartition & {
  /** Offset of the next record for the handler; undefined while it is asked for. */
  next: bigint | undefined
  committed: bigint | undefined
  failures: number
}

const defaultSessionTimeoutMs = 30_000
const defaultMaxWaitMs = 250
const defaultConcurrency = 3
const maxHeartbeatIntervalMs = 3_000
/** Of one fetch: a few of the largest batches; compressed, so some megabytes once opened. */
const maxBytesPerPartition = 1_048_576
const minRetryMs = 100
const maxRetryMs = 5_000
/** Lag for tools and metrics needs no more. */
const bookkeepingIntervalMs = 5_000
const closeTimeoutMs = 10_000

export function openConsumerSession(options: ConsumerSessionOptions): ConsumerSession {
  const { connection, handler, logger, watermarks, sessionTimeoutMs = defaultSessionTimeoutMs } = options
  const heartbeatIntervalMs = Math.min(maxHeartbeatIntervalMs, Math.floor(sessionTimeoutMs / 3))
  const kafka = createKafkaClient(options)
  const consumer = kafka.consumer({
    groupId: kafkaName(connection, options.groupId),
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: Math.max(60_000, sessionTimeoutMs),
    heartbeatInterval: heartbeatIntervalMs,
    maxWaitTimeInMs: options.maxWaitMs ?? defaultMaxWaitMs,
    maxBytesPerPartition,
    allowAutoTopicCreation: false,
    // A session that breaks is replaced by a fresh one, never restarted in place.
    retry: { ...kafkaRetry, restartOnFailure: async () => false },
  })
  const admin = kafka.admin({ retry: kafkaRetry })
  const topics = options.topics.map((name) => kafkaName(connection, name))
  const ended = Promise.withResolvers<Error>()
  const closing = new AbortController()
  let assigned = new Map<string, Assigned>()
  let lastHeartbeatAt = Number.NEGATIVE_INFINITY
  let closed: Promise<void> | undefined

  const isCurrent = (state: Assigned) => !closing.signal.aborted && assigned.get(placeKey(state)) === state
  const pause = ({ topic, partition }: Assigned) => consumer.pause([{ topic, partitions: [partition] }])
  const resume = ({ topic, partition }: Assigned) => consumer.resume([{ topic, partitions: [partition] }])

  /** Waits longer with every failure; false when the partition is somebody else's by then. */
  const backOff = async (state: Assigned): Promise<boolean> => {
    const waitMs = Math.min(maxRetryMs, minRetryMs * 2 ** Math.min(state.failures++, 10))
    await delay(waitMs, undefined, { signal: closing.signal }).catch(() => undefined)
    return isCurrent(state)
  }

  const askStartOffset = async (state: Assigned): Promise<void> => {
    pause(state)
    state.next = undefined
    do {
      try {
        const wanted = await handler.startOffset({ topic: state.topic, partition: state.partition })
        const next = await clampToLog(state, wanted)
        if (!isCurrent(state)) return
        consumer.seek({ topic: state.topic, partition: state.partition, offset: next.toString() })
        state.next = next
        state.failures = 0
        return resume(state)
      } catch (error) {
        logger.warn({ place: placeKey(state), reason: (error as Error).message }, 'no start offset yet')
      }
    } while (await backOff(state))
  }

  /** Records that expired before they were read are lost: said loudly, then the stream goes on. */
  const clampToLog = async (state: Assigned, wanted: string | null): Promise<bigint> => {
    const { low, high } = await logBounds(state)
    if (wanted === null) return low
    const offset = BigInt(wanted)
    if (offset >= low && offset <= high) return offset
    const fields = { place: placeKey(state), wanted, low: low.toString(), high: high.toString() }
    logger.error(fields, 'the stored offset is outside of the topic: records expired or the topic was made anew')
    return low
  }

  const logBounds = async ({ topic, partition }: StreamPartition): Promise<{ low: bigint; high: bigint }> => {
    const offsets = await admin.fetchTopicOffsets(topic)
    for (const one of offsets) {
      const key = placeKey({ topic, partition: one.partition })
      if (assigned.has(key)) watermarks.set(key, one.high)
    }
    const own = offsets.find((one) => one.partition === partition)
    if (!own) throw new Error(`${topic} has no partition ${partition}`)
    return { low: BigInt(own.low), high: BigInt(own.high) }
  }

  const adopt = (assignment: Record<string, number[]>): void => {
    const before = assigned
    assigned = new Map()
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) {
        const state: Assigned = { topic, partition, next: undefined, committed: undefined, failures: 0 }
        assigned.set(placeKey(state), state)
      }
    }
    revokeMissing(before)
    // Even what stayed ours is asked for again: the group may have given it to another one in between.
    for (const state of assigned.values()) void askStartOffset(state)
  }

  const revokeMissing = (before: Map<string, Assigned>): void => {
    for (const [key, { topic, partition }] of before) {
      if (assigned.has(key)) continue
      watermarks.delete(key)
      handler.onRevoked({ topic, partition })
    }
  }

  const eachBatch = async ({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload): Promise<void> => {
    const state = assigned.get(placeKey(batch))
    if (!state || state.next === undefined || isStale()) return
    if (fetchedOffset(batch) !== state.next) return void askStartOffset(state)
    watermarks.set(placeKey(batch), batch.highWatermark)
    const beats = startHeartbeats(heartbeat, heartbeatIntervalMs)
    try {
      await handler.handle({ topic: state.topic, partition: state.partition }, recordsOf(batch))
      if (isCurrent(state)) advance(state, batch, resolveOffset)
    } catch (error) {
      if (isCurrent(state)) recover(state, error as Error)
    } finally {
      beats.stop()
    }
    // kafkajs joins the group again when it learns that it has to.
    if (beats.failure) throw beats.failure
  }

  const advance = (state: Assigned, batch: Batch, resolveOffset: (offset: string) => void): void => {
    const last = batch.lastOffset()
    resolveOffset(last)
    state.next = BigInt(last) + 1n
    state.failures = 0
  }

  const recover = (state: Assigned, error: Error): void => {
    if (error instanceof SeekRequired) return void askStartOffset(state)
    logger.warn({ place: placeKey(state), reason: error.message }, 'records not stored, trying again')
    pause(state)
    void backOff(state).then((isStillOurs) => isStillOurs && resume(state))
  }

  const keepBooks = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await delay(bookkeepingIntervalMs, undefined, { signal: closing.signal }).catch(() => undefined)
      if (assigned.size === 0 || closing.signal.aborted) continue
      await commitForTools(consumer, assigned).catch(() => undefined)
      const [first] = assigned.values()
      if (first) await logBounds(first).catch(() => undefined)
    }
  }

  const open = async (): Promise<void> => {
    await admin.connect()
    await consumer.connect()
    await consumer.subscribe({ topics, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency ?? defaultConcurrency,
      eachBatch,
    })
  }

  consumer.on('consumer.group_join', ({ payload }) => {
    lastHeartbeatAt = performance.now()
    session.hasJoined = true
    adopt(payload.memberAssignment)
  })
  consumer.on('consumer.heartbeat', () => void (lastHeartbeatAt = performance.now()))
  consumer.on('consumer.crash', ({ payload }) => ended.resolve(payload.error))
  open().catch((error: Error) => ended.resolve(error))
  void keepBooks()

  const shutDown = async (): Promise<void> => {
    closing.abort()
    await commitForTools(consumer, assigned).catch(() => undefined)
    await withTimeout(consumer.disconnect(), closeTimeoutMs, 'leaving the group').catch(() => undefined)
    await withTimeout(admin.disconnect(), closeTimeoutMs, 'disconnecting').catch(() => undefined)
    const before = assigned
    assigned = new Map()
    revokeMissing(before)
    ended.resolve(new Error('closed'))
  }

  const session = {
    hasJoined: false,
    isConnected: () => performance.now() - lastHeartbeatAt < 3 * heartbeatIntervalMs,
    untilEnded: () => ended.promise,
    close: () => (closed ??= shutDown()),
  }
  return session
}

/** While a handler works; a failure is kept for when it is done. */
function startHeartbeats(heartbeat: () => Promise<void>, intervalMs: number) {
  const timer = setInterval(() => {
    heartbeat().catch((error: Error) => (beats.failure ??= error))
  }, intervalMs / 2)
  const beats = { failure: undefined as Error | undefined, stop: () => clearInterval(timer) }
  return beats
}

async function commitForTools(consumer: Consumer, assigned: Map<string, Assigned>): Promise<void> {
  const moved = [...assigned.values()].filter(({ next, committed }) => next !== undefined && next !== committed)
  if (moved.length === 0) return
  const offsets = moved.map(({ topic, partition, next }) => ({ topic, partition, offset: String(next) }))
  await consumer.commitOffsets(offsets)
  for (const [index, state] of moved.entries()) state.committed = BigInt(offsets[index]?.offset ?? 0)
}

/** What kafkajs asked the broker for; not in its types. A batch may begin later, where records expired or were filtered. */
function fetchedOffset(batch: Batch): bigint {
  return BigInt((batch as Batch & { fetchedOffset: string }).fetchedOffset)
}

function recordsOf({ topic, partition, messages }: Batch): StreamRecord[] {
  return messages.map(({ offset, value, timestamp }) => ({
    topic,
    partition,
    offset,
    bytes: value ?? new Uint8Array(),
    timestampMs: Number(timestamp),
  }))
}
