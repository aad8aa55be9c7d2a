// The one place where ioredis is configured: single server, Sentinel and Cluster, with or without TLS. Redis may be away
// at any time and nothing here waits for it: no command is queued while it is, a command is answered or fails within
// its bound, a connection that has stopped answering is destroyed, reconnecting backs off to one second and never ends.

import { Cluster, Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import type { RedisConnection } from './redis-connection.ts'
import { nodeTlsOptions } from './tls-options.ts'
import { silentLogger } from './transport-logger.ts'
import type { TransportLogger } from './transport-logger.ts'

export type RedisClient = Redis | Cluster

export type RedisClientOptions = {
  connection: RedisConnection
  /** CLIENT SETNAME: shows who is connected. */
  name: string
  logger?: TransportLogger
  /** A command that is not answered by then fails (default 2 s). */
  commandTimeoutMs?: number
}

export const redisConnectTimeoutMs = 2_000
const defaultCommandTimeoutMs = 2_000
const minReconnectMs = 50
const maxReconnectMs = 1_000
const maxRedirections = 4

/**
 * A client that connects in the background and reconnects for ever. Commands fail at once while it is not connected.
 * End it with `disconnect()`.
 */
export function createRedisClient(options: RedisClientOptions): RedisClient {
  const { connection, commandTimeoutMs = defaultCommandTimeoutMs } = options
  const node = { ...nodeOptions(connection, options.name), commandTimeout: commandTimeoutMs }
  // One more beat than a command waits: a socket that swallows commands is given up after the first of them failed.
  const bounded = { ...node, socketTimeout: commandTimeoutMs + 500, enableOfflineQueue: false }
  const client =
    connection.mode === 'cluster'
      ? createCluster(connection.nodes, bounded)
      : new Redis({ ...bounded, ...addressOf(connection, redisReconnectMs), retryStrategy: redisReconnectMs })
  reportOutages(client, options)
  client.connect().catch(() => undefined)
  return client
}

/**
 * A connection to one node that is not yet open, does not reconnect and queues nothing: for a loop that drives
 * reconnecting itself. Of a cluster's nodes, `attempt` chooses one after the other.
 */
export function createRedisNodeClient(connection: RedisConnection, name: string, attempt: number): Redis {
  const node = { ...nodeOptions(connection, name), enableOfflineQueue: false, retryStrategy: () => null }
  if (connection.mode !== 'cluster') return new Redis({ ...node, ...addressOf(connection, () => null) })
  const address = connection.nodes[attempt % connection.nodes.length]
  return new Redis({ ...node, host: address?.host ?? '', port: address?.port ?? 0 })
}

/** Milliseconds before the given attempt (from 1) to reconnect. */
export function redisReconnectMs(attempt: number): number {
  return Math.min(maxReconnectMs, minReconnectMs * 2 ** Math.min(attempt, 10))
}

/** Rejects when the client is not connected within the bound. */
export async function untilRedisReady(client: RedisClient, timeoutMs: number): Promise<void> {
  if (client.status === 'ready') return
  await new Promise<void>((resolve, reject) => {
    const settle = (finish: () => void) => () => {
      clearTimeout(timer)
      client.off('ready', onReady)
      client.off('end', onEnd)
      finish()
    }
    const onReady = settle(resolve)
    const onEnd = settle(() => reject(new Error('the Redis client is closed')))
    const timer = setTimeout(
      settle(() => reject(new Error(`Redis is not connected after ${timeoutMs} ms`))),
      timeoutMs,
    )
    client.on('ready', onReady)
    client.on('end', onEnd)
  })
}

type NodeOptions = ReturnType<typeof nodeOptions> & { commandTimeout: number; socketTimeout: number }

function nodeOptions(connection: RedisConnection, name: string) {
  return {
    lazyConnect: true,
    connectionName: name,
    connectTimeout: redisConnectTimeoutMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // RESP2: what managed services and proxies in front of Redis all speak.
    protocol: 2,
    ...credentials(connection),
    ...(connection.tls ? { tls: nodeTlsOptions(connection.tls) } : {}),
  } satisfies RedisOptions
}

function credentials({ username, password }: RedisConnection) {
  return { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) }
}

/** ioredis gives up for ever when no Sentinel answers, unless the strategy names a delay. */
function addressOf(
  connection: Exclude<RedisConnection, { mode: 'cluster' }>,
  sentinelRetryStrategy: (attempt: number) => number | null,
) {
  const db = { db: connection.db ?? 0 }
  if (connection.mode === 'single') return { ...db, host: connection.host, port: connection.port }
  const { sentinelUsername, sentinelPassword } = connection
  return {
    ...db,
    name: connection.masterName,
    sentinels: connection.sentinels.map(({ host, port }) => ({ host, port })),
    sentinelCommandTimeout: redisConnectTimeoutMs,
    sentinelRetryStrategy,
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(connection.tls ? { sentinelTLS: nodeTlsOptions(connection.tls), enableTLSForSentinelMode: true } : {}),
  }
}

function createCluster(nodes: readonly { host: string; port: number }[], redisOptions: NodeOptions): Cluster {
  return new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRedirections,
      slotsRefreshTimeout: redisConnectTimeoutMs,
      clusterRetryStrategy: redisReconnectMs,
      clusterNodeRetryStrategy: redisReconnectMs,
      // A node's certificate names a host: connect by the name, not by the address that it resolves to.
      dnsLookup: (address, callback) => callback(null, address),
      redisOptions,
    },
  )
}

/** Once per outage, not once per attempt. ioredis needs a listener for `error`, else an outage ends the process. */
function reportOutages(client: RedisClient, { name, logger = silentLogger }: RedisClientOptions): void {
  let isReported = false
  client.on('error', (error: Error) => {
    if (!isReported) logger.warn({ client: name, reason: error.message }, 'Redis is not reachable')
    isReported = true
  })
  client.on('ready', () => {
    if (isReported) logger.info({ client: name }, 'Redis is reachable again')
    isReported = false
  })
}
