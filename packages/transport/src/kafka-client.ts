// The one place where kafkajs is configured: brokers, TLS, SASL, codecs, log. Every client gets a Kafka object of its own:
// kafkajs keeps committed offsets and authenticators on it, which must not outlive a session.

import kafkajs, { Kafka, logLevel } from 'kafkajs'
import type { LogEntry, SASLOptions } from 'kafkajs'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { KafkaConnection } from './kafka-connection.ts'
import { nodeTlsOptions } from './tls-options.ts'
import { silentLogger } from './transport-logger.ts'
import type { TransportLogger } from './transport-logger.ts'

export type KafkaClientOptions = {
  connection: KafkaConnection
  /** Shown in the brokers' logs and quotas. */
  clientId: string
  logger?: TransportLogger
  /** Bound of one request (default 10 s). Joins and fetches have longer ones of their own. */
  requestTimeoutMs?: number
}

/** TCP and TLS to a broker in another region. */
const connectTimeoutMs = 3_000
const authenticationTimeoutMs = 5_000
const defaultRequestTimeoutMs = 10_000
/** kafkajs retries fast and gives up soon; whoever uses the client goes on from there. */
export const kafkaRetry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 }
/** While a broker is away kafkajs says the same many times a second. */
const repeatIntervalMs = 10_000
const maxRememberedMessages = 100
/** Nothing else of an entry is logged: kafkajs puts stacks and payloads there. */
const loggedFields = ['broker', 'groupId', 'topic', 'partition', 'error', 'retryCount'] as const

export function createKafkaClient(options: KafkaClientOptions): Kafka {
  const { connection, clientId, logger = silentLogger, requestTimeoutMs = defaultRequestTimeoutMs } = options
  registerZstd()
  return new Kafka({
    clientId,
    brokers: [...connection.brokers],
    connectionTimeout: connectTimeoutMs,
    authenticationTimeout: authenticationTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry: kafkaRetry,
    logLevel: logLevel.WARN,
    logCreator: () => createLogBridge(logger),
    ...(connection.tls ? { ssl: nodeTlsOptions(connection.tls) } : {}),
    // A copy: kafkajs hangs its authenticator, password included, on the object that it is given.
    ...(connection.sasl ? { sasl: { ...connection.sasl } as SASLOptions } : {}),
  })
}

/** Full name of a topic or a group. */
export function kafkaName(connection: KafkaConnection, name: string): string {
  return `${connection.topicPrefix}${name}`
}

/** Our records are compressed already; this is for topics that an operator recompresses at the broker. */
function registerZstd(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: { buffer: Buffer }) => zstdCompressSync(encoder.buffer),
    decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
  })
}

/** What kafkajs calls an error is mostly a retry: nothing above a warning, and no line twice within ten seconds. */
function createLogBridge(logger: TransportLogger): (entry: LogEntry) => void {
  const lastLoggedAt = new Map<string, number>()
  return ({ namespace, label, log }) => {
    const message = `kafkajs ${namespace}: ${log.message}`
    const now = performance.now()
    if (now - (lastLoggedAt.get(message) ?? Number.NEGATIVE_INFINITY) < repeatIntervalMs) return
    if (lastLoggedAt.size >= maxRememberedMessages) lastLoggedAt.clear()
    lastLoggedAt.set(message, now)
    const fields = Object.fromEntries(loggedFields.map((name) => [name, shown(log[name])]))
    if (label === 'ERROR' || label === 'WARN') logger.warn(fields, message)
    else logger.debug(fields, message)
  }
}

function shown(value: unknown): unknown {
  return value instanceof Error ? value.message : value
}
