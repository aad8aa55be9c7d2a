// One life of a consumer group member, from connecting to the first error that kafkajs does not get over by itself.
// Per partition a small state machine: asking (paused) -> ready -> handling -> ready, or back-off (paused), or asking again.
// Every join of the group begins a new generation of states; what belongs to an older one changes nothing any more.

import { setTimeout as delay } from 'node:timers/promises'
import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import type { Admin, Batch, Consumer, EachBatchPayload, IHeaders } from 'kafkajs'
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
const minRebalanceTimeoutMs = 60_000
const defaultMaxWaitMs = 250
const defaultConcurrency = 3
/** Only a heartbeat tells a member that the group is being shared anew. */
const maxHeartbeatIntervalMs = 1_000
const minConnectedMs = 5_000
/** Of one fetch: a few of the largest batches; compressed, so some megabytes once opened. */
const maxBytesPerPartition = 1_048_576
const minRetryMs = 100
const maxRetryMs = 5_000
/** Lag for tools and metrics needs no more. */
const bookkeepingIntervalMs = 5_000
const closeTimeoutMs = 10_000
/** Only tools read it: not worth a slow end. */
const commitTimeoutMs = 1_000

export function openConsumerSession(options: ConsumerSessionOptions): ConsumerSession {
  const session = new GroupSession(options)
  session.open()
  return session
}

class GroupSession implements ConsumerSession {
  hasJoined = false
  readonly #options: ConsumerSessionOptions
  readonly #consumer: Consumer
  readonly #admin: Admin
  readonly #heartbeatIntervalMs: number
  readonly #ended = Promise.withResolvers<Error>()
  readonly #closing = new AbortController()
  #assigned = new Map<string, Assigned>()
  #lastHeartbeatAt = Number.NEGATIVE_INFINITY
  #closed: Promise<void> | undefined
  #isOver = false

  constructor(options: ConsumerSessionOptions) {
    const { connection, sessionTimeoutMs = defaultSessionTimeoutMs } = options
    this.#options = options
    this.#heartbeatIntervalMs = Math.min(maxHeartbeatIntervalMs, Math.floor(sessionTimeoutMs / 3))
    const kafka = createKafkaClient(options)
    this.#consumer = kafka.consumer({
      groupId: kafkaName(connection, options.groupId),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.max(minRebalanceTimeoutMs, sessionTimeoutMs),
      heartbeatInterval: this.#heartbeatIntervalMs,
      maxWaitTimeInMs: options.maxWaitMs ?? defaultMaxWaitMs,
      maxBytesPerPartition,
      allowAutoTopicCreation: false,
      // A session that breaks is replaced by a fresh one, never restarted in place.
      retry: { ...kafkaRetry, restartOnFailure: async () => false },
    })
    this.#admin = kafka.admin({ retry: kafkaRetry })
  }

  open(): void {
    const consumer = this.#consumer
    consumer.on('consumer.group_join', ({ payload }) => this.#adopt(payload.memberAssignment))
    consumer.on('consumer.heartbeat', () => this.#beat())
    consumer.on('consumer.start_batch_process', ({ payload }) => {
      if (payload.batchSize === 0) this.#passOver(payload)
    })
    consumer.on('consumer.stop', () => this.#stopped())
    consumer.on('consumer.crash', ({ payload }) => this.#ended.resolve(payload.error))
    this.#run().catch((error: Error) => this.#ended.resolve(error))
    void this.#keepBooks()
  }

  isConnected(): boolean {
    return performance.now() - this.#lastHeartbeatAt < Math.max(minConnectedMs, 3 * this.#heartbeatIntervalMs)
  }

  untilEnded(): Promise<Error> {
    return this.#ended.promise
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown()
    return this.#closed
  }

  async #run(): Promise<void> {
    const { connection, topics, concurrency = defaultConcurrency } = this.#options
    await this.#admin.connect()
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: topics.map((name) => kafkaName(connection, name)), fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: concurrency,
      eachBatch: (payload) => this.#handleBatch(payload),
    })
  }

  async #shutDown(): Promise<void> {
    this.#closing.abort()
    await withTimeout(this.#commitForTools(), commitTimeoutMs, 'a commit').catch(() => undefined)
    await withTimeout(this.#consumer.disconnect(), closeTimeoutMs, 'leaving the group').catch(() => undefined)
    await withTimeout(this.#admin.disconnect(), closeTimeoutMs, 'disconnecting').catch(() => undefined)
    this.#stopped()
    this.#assign(new Map())
    this.#ended.resolve(new Error('closed'))
  }

  #stopped(): void {
    this.#isOver = true
    this.#lastHeartbeatAt = Number.NEGATIVE_INFINITY
  }

  #beat(): void {
    this.#lastHeartbeatAt = performance.now()
  }

  /** Even what stayed ours is asked for again: the group may have given it to another one in between. */
  #adopt(assignment: Record<string, number[]>): void {
    this.hasJoined = true
    this.#beat()
    const assigned = new Map<string, Assigned>()
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) {
        const state: Assigned = { topic, partition, next: undefined, committed: undefined, failures: 0 }
        assigned.set(placeKey(state), state)
      }
    }
    this.#assign(assigned)
    for (const state of assigned.values()) void this.#askStartOffset(state)
  }

  #assign(assigned: Map<string, Assigned>): void {
    const before = this.#assigned
    this.#assigned = assigned
    for (const [key, { topic, partition }] of before) {
      if (assigned.has(key)) continue
      this.#options.watermarks.delete(key)
      this.#options.handler.onRevoked({ topic, partition })
    }
  }

  #isCurrent(state: Assigned): boolean {
    return !this.#closing.signal.aborted && this.#assigned.get(placeKey(state)) === state
  }

  /** kafkajs throws when its consumer has just stopped; then a new session is about to begin. */
  #pause({ topic, partition }: Assigned): void {
    if (!this.#isOver) this.#consumer.pause([{ topic, partitions: [partition] }])
  }

  #resume({ topic, partition }: Assigned): void {
    if (!this.#isOver) this.#consumer.resume([{ topic, partitions: [partition] }])
  }

  async #askStartOffset(state: Assigned): Promise<void> {
    const { topic, partition } = state
    this.#pause(state)
    state.next = undefined
    do {
      try {
        const wanted = await this.#options.handler.startOffset({ topic, partition })
        const next = await this.#withinLog(state, wanted)
        if (!this.#isCurrent(state)) return
        this.#consumer.seek({ topic, partition, offset: next.toString() })
        state.next = state.committed = next
        state.failures = 0
        return this.#resume(state)
      } catch (error) {
        this.#report(state, error, 'no start offset yet')
      }
    } while (await this.#backOff(state))
  }

  /** Records that expired before they were read are lost: said loudly, then the stream goes on. */
  async #withinLog(place: StreamPartition, wanted: string | null): Promise<bigint> {
    const { low, high } = await this.#logBounds(place)
    if (wanted === null) return low
    const offset = BigInt(wanted)
    if (offset >= low && offset <= high) return offset
    this.#options.logger.error(
      { place: placeKey(place), wanted, low: low.toString(), high: high.toString() },
      'the stored offset is outside of the topic: records expired unread or the topic was made anew',
    )
    return low
  }

  async #logBounds({ topic, partition }: StreamPartition): Promise<{ low: bigint; high: bigint }> {
    const offsets = await this.#admin.fetchTopicOffsets(topic)
    for (const { partition, high } of offsets) this.#noteWatermark({ topic, partition }, high)
    const own = offsets.find((one) => one.partition === partition)
    if (!own) throw new Error(`${topic} has no partition ${partition}`)
    return { low: BigInt(own.low), high: BigInt(own.high) }
  }

  #noteWatermark(place: StreamPartition, high: string): void {
    const key = placeKey(place)
    if (this.#assigned.has(key)) this.#options.watermarks.set(key, high)
  }

  async #handleBatch({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload): Promise<void> {
    const state = this.#assigned.get(placeKey(batch))
    if (!state || state.next === undefined || isStale()) return
    // Fetched before the group was joined again, or kafkajs was sent elsewhere by the broker.
    if (fetchedOffset(batch) !== state.next) return void this.#askStartOffset(state)
    this.#noteWatermark(state, batch.highWatermark)
    const beats = startHeartbeats(heartbeat, this.#heartbeatIntervalMs)
    try {
      const { topic, partition } = state
      await this.#options.handler.handle({ topic, partition }, recordsOf(batch))
      if (this.#isCurrent(state)) advance(state, batch, resolveOffset)
    } catch (error) {
      if (this.#isCurrent(state)) this.#recover(state, error)
    } finally {
      beats.stop()
    }
    // kafkajs joins the group again when it learns that it has to.
    if (beats.failure) throw beats.failure
  }

  #recover(state: Assigned, error: unknown): void {
    if (error instanceof SeekRequired) return void this.#askStartOffset(state)
    this.#report(state, error, 'records not stored, trying again')
    this.#pause(state)
    void this.#backOff(state).then((isStillOurs) => isStillOurs && this.#resume(state))
  }

  /** kafkajs goes by itself past records that a consumer never sees (a transaction's markers). */
  #passOver(batch: StreamPartition & { firstOffset: string; lastOffset: string }): void {
    const state = this.#assigned.get(placeKey(batch))
    if (state?.next === undefined || batch.firstOffset === null) return
    if (BigInt(batch.firstOffset) === state.next) state.next = BigInt(batch.lastOffset) + 1n
  }

  /** Waits longer with every failure; false when the partition is somebody else's by then. */
  async #backOff(state: Assigned): Promise<boolean> {
    const waitMs = Math.min(maxRetryMs, minRetryMs * 2 ** Math.min(state.failures++, 10))
    await this.#sleep(waitMs)
    return this.#isCurrent(state)
  }

  async #keepBooks(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#sleep(bookkeepingIntervalMs)
      if (this.#closing.signal.aborted) return
      await this.#commitForTools().catch(() => undefined)
      for (const topic of new Set([...this.#assigned.values()].map((state) => state.topic))) {
        await this.#logBounds({ topic, partition: 0 }).catch(() => undefined)
      }
    }
  }

  async #commitForTools(): Promise<void> {
    const moved = [...this.#assigned.values()].filter(({ next, committed }) => next !== undefined && next !== committed)
    if (moved.length === 0) return
    const offsets = moved.map(({ topic, partition, next }) => ({ topic, partition, offset: String(next) }))
    await this.#consumer.commitOffsets(offsets)
    for (const [index, state] of moved.entries()) state.committed = BigInt(offsets[index]?.offset ?? 0)
  }

  async #sleep(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined)
  }

  #report(place: StreamPartition, error: unknown, message: string): void {
    this.#options.logger.warn({ place: placeKey(place), reason: (error as Error).message }, message)
  }
}

function advance(state: Assigned, batch: Batch, resolveOffset: (offset: string) => void): void {
  const last = batch.lastOffset()
  resolveOffset(last)
  state.next = BigInt(last) + 1n
  state.failures = 0
}

/** While a handler works; a failure is kept for when it is done. */
function startHeartbeats(heartbeat: () => Promise<void>, intervalMs: number) {
  const beats = { failure: undefined as Error | undefined, stop: () => clearInterval(timer) }
  const timer = setInterval(() => {
    heartbeat().catch((error: Error) => (beats.failure ??= error))
  }, intervalMs / 2)
  return beats
}

/** What kafkajs asked the broker for; not in its types. A batch may begin later, where records were filtered. */
function fetchedOffset(batch: Batch): bigint {
  return BigInt((batch as Batch & { fetchedOffset: string }).fetchedOffset)
}

function recordsOf({ topic, partition, messages }: Batch): StreamRecord[] {
  return messages.map(({ offset, value, timestamp, headers }) => ({
    topic,
    partition,
    offset,
    bytes: value ?? new Uint8Array(),
    timestampMs: Number(timestamp),
    identity: identityOf(headers),
  }))
}

/** As kafka-log-producer writes it. Only for records that cannot be read: those that can say it themselves. */
function identityOf(headers: IHeaders | undefined): LogBatchIdentity | null {
  const text = (name: string) => String(headers?.[name] ?? '')
  const identity = {
    source: text('source'),
    edge: text('edge'),
    firstSequence: Number(text('first_sequence')),
    count: Number(text('count')),
  }
  const isWhole =
    identity.source !== '' && Number.isSafeInteger(identity.firstSequence) && Number.isSafeInteger(identity.count)
  return isWhole && identity.firstSequence > 0 && identity.count > 0 ? identity : null
}
