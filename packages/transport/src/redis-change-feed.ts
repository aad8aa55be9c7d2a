// The change feed over Redis pub/sub. Publishing never fails and never waits for long: what is lost is repaired by the
// next beat. The subscriber drives its own connection, because a half-open one (a stopped process, a cut cable) gives no
// event: it pings twice a second, says so when an answer is late, and gives up within three seconds. Whoever can write to Redis is not trusted: with edge tokens
// given, a message without a valid MAC is dropped and counted. Ordering and gaps are the receiver's affair.

import { setTimeout as delay } from 'node:timers/promises'
import { changeFeedMessageSchema, maxFeedMessageBytes } from '@gpt-load/contracts/change-feed-message'
import type { ChangeFeedMessage } from '@gpt-load/contracts/change-feed-message'
import type { Redis } from 'ioredis'
import type { ChangeFeedListener, ChangeFeedPublisher, ChangeFeedSubscriber } from './change-feed.ts'
import { createFeedSigner, createFeedVerifier } from './feed-mac.ts'
import { createRedisClient, createRedisNodeClient, redisConnectTimeoutMs, redisReconnectMs } from './redis-client.ts'
import type { RedisConnection } from './redis-connection.ts'
import { silentLogger } from './transport-logger.ts'
import type { TransportLogger } from './transport-logger.ts'
import { withTimeout } from './with-timeout.ts'

export type RedisChangeFeedOptions = {
  connection: RedisConnection
  /** Before the channel's name, so that installations can share a Redis. */
  keyPrefix: string
  /** Accepted EDGE_TOKENs. The publisher signs once per token; a subscriber with tokens takes only signed messages. */
  edgeTokens?: readonly string[]
  logger?: TransportLogger
}

const publishTimeoutMs = 1_000
/** Publishes in flight; Redis answers in far less than a millisecond, so more than this only waits for a dead one. */
const maxPublishesInFlight = 64
/**
 * An interval and the patience make 0.9 s, the longest that a stopped Redis goes unnoticed: a false alarm costs its listener a
 * question. An interval and the timeout make 2 s until the connection is given up, which costs a new one.
 */
const pingIntervalMs = 500
const pingPatienceMs = 400
const pingTimeoutMs = 1_500
/**
 * Behind Sentinel or in a Cluster a node can be cut off from the others and still answer: when the publisher's beat
 * (every second) has been missing for so long, another node is tried. A single server has no other node.
 */
const maxSilenceMs = 10_000

export type PublishCounts = { published: number; failed: number }

export interface RedisChangeFeedPublisher extends ChangeFeedPublisher {
  readonly counts: Readonly<PublishCounts>
}

export function createRedisChangeFeedPublisher(options: RedisChangeFeedOptions): RedisChangeFeedPublisher {
  const { edgeTokens = [], logger = silentLogger } = options
  const client = createRedisClient({
    connection: options.connection,
    name: 'gptload-feed-publisher',
    logger,
    commandTimeoutMs: publishTimeoutMs,
  })
  const channel = channelName(options.keyPrefix)
  const encode = createEncoder(edgeTokens)
  const inFlight = new Set<Promise<unknown>>()
  const counts: PublishCounts = { published: 0, failed: 0 }
  return {
    counts,
    async publish(message) {
      if (inFlight.size >= maxPublishesInFlight) return void counts.failed++
      const sending = client.publish(channel, encode(message)).then(
        () => counts.published++,
        () => counts.failed++,
      )
      inFlight.add(sending)
      await sending
      inFlight.delete(sending)
    },
    isConnected: () => client.status === 'ready',
    async close() {
      await Promise.all(inFlight)
      client.disconnect()
    },
  }
}

export type SubscribeCounts = {
  received: number
  /** Not JSON or not of the schema. */
  invalid: number
  /** Unsigned or signed under no accepted token. */
  unverified: number
  connects: number
}

export interface RedisChangeFeedSubscriber extends ChangeFeedSubscriber {
  readonly counts: Readonly<SubscribeCounts>
}

export function createRedisChangeFeedSubscriber(options: RedisChangeFeedOptions): RedisChangeFeedSubscriber {
  const { connection, logger = silentLogger } = options
  const closing = new AbortController()
  const counts: SubscribeCounts = { received: 0, invalid: 0, unverified: 0, connects: 0 }
  const decode = createDecoder(options.edgeTokens ?? [], counts)
  const channel = channelName(options.keyPrefix)
  let isConnected = false
  let running: Promise<void> | undefined

  const serve = async (listener: ChangeFeedListener, attempt: number): Promise<void> => {
    const client = createRedisNodeClient(connection, 'gptload-feed-subscriber', attempt)
    const session = watch(
      client,
      closing.signal,
      connection.mode === 'single' ? Number.POSITIVE_INFINITY : maxSilenceMs,
    )
    client.on('message', (_channel, text) => {
      session.heard()
      const message = decode(text)
      if (message) listener.onMessage(message)
    })
    try {
      await withTimeout(client.connect(), redisConnectTimeoutMs, 'connecting')
      await withTimeout(client.subscribe(channel), redisConnectTimeoutMs, 'subscribing')
      isConnected = true
      counts.connects++
      logger.info({ channel }, 'change feed connected')
      listener.onConnect()
      await session.untilLost(listener)
    } catch (error) {
      throw session.cause ?? error
    } finally {
      client.disconnect()
    }
  }

  const run = async (listener: ChangeFeedListener): Promise<void> => {
    for (let attempt = 0, failures = 0; !closing.signal.aborted; attempt++) {
      const failure = await serve(listener, attempt).then(
        () => undefined,
        (error: Error) => error,
      )
      const wasConnected = isConnected
      isConnected = false
      if (wasConnected) {
        listener.onDisconnect()
        failures = 0
      }
      if (failure && !closing.signal.aborted && failures === 0) {
        logger.warn({ channel, reason: failure.message }, 'change feed lost')
      }
      failures++
      await delay(redisReconnectMs(failures), undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  return {
    counts,
    subscribe(listener) {
      if (running) throw new Error('a subscriber has one listener')
      running = run(listener)
    },
    isConnected: () => isConnected,
    async close() {
      closing.abort()
      await running
    },
  }
}

/** Ends by an error as soon as the connection is closed, silent or `signal` is aborted. */
function watch(client: Redis, signal: AbortSignal, silenceMs: number) {
  const gone = new AbortController()
  let heardAt = performance.now()
  let cause: Error | undefined
  client.on('error', (error) => (cause = error))
  client.once('close', () => gone.abort())
  const either = AbortSignal.any([gone.signal, signal])
  return {
    /** Why the connection failed; commands and connect() only say that it is closed. */
    get cause() {
      return cause
    },
    heard: () => void (heardAt = performance.now()),
    async untilLost(listener: Pick<ChangeFeedListener, 'onStall' | 'onResume'>): Promise<never> {
      heardAt = performance.now()
      for (;;) {
        await delay(pingIntervalMs, undefined, { signal: either }).catch(() => undefined)
        if (either.aborted) throw new Error('the connection was closed')
        if (performance.now() - heardAt > silenceMs) throw new Error(`no beat for ${silenceMs} ms`)
        await untilAnswered(client.ping(), listener)
      }
    },
  }
}

async function untilAnswered(
  ping: Promise<unknown>,
  listener: Pick<ChangeFeedListener, 'onStall' | 'onResume'>,
): Promise<void> {
  let isOver = false
  let isStalled = false
  const doubt = () => {
    if (isOver) return
    isStalled = true
    listener.onStall()
  }
  // When this process itself was held up, the answer waits to be read: in this turn of the event loop, after its timers.
  const timer = setTimeout(() => setImmediate(doubt), pingPatienceMs)
  try {
    await withTimeout(ping, pingTimeoutMs, 'a ping')
    if (isStalled) listener.onResume()
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}

/** A message that would exceed the bound travels as a bare hint: its receivers pull. */
function createEncoder(edgeTokens: readonly string[]): (message: ChangeFeedMessage) => string {
  const sign = edgeTokens.length > 0 ? createFeedSigner(edgeTokens) : (message: ChangeFeedMessage) => message
  return (message) => {
    const text = JSON.stringify(sign(message))
    if (Buffer.byteLength(text) <= maxFeedMessageBytes) return text
    const { changes: _tooLarge, ...hint } = message
    return JSON.stringify(sign(hint))
  }
}

function createDecoder(
  edgeTokens: readonly string[],
  counts: SubscribeCounts,
): (text: string) => ChangeFeedMessage | undefined {
  const verify = edgeTokens.length > 0 ? createFeedVerifier(edgeTokens) : () => true
  return (text) => {
    counts.received++
    const raw = text.length <= maxFeedMessageBytes ? parseJson(text) : undefined
    if (raw === undefined) return void counts.invalid++
    if (!verify(raw)) return void counts.unverified++
    const parsed = changeFeedMessageSchema.safeParse(raw)
    if (!parsed.success) return void counts.invalid++
    return parsed.data
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function channelName(keyPrefix: string): string {
  return `${keyPrefix}change-feed`
}
