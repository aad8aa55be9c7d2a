import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ChangeFeedMessage } from '@gpt-load/contracts/change-feed-message'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { startRedisCluster } from '@gpt-load/testkit/servers/redis-cluster'
import { startRedisSentinel } from '@gpt-load/testkit/servers/redis-sentinel'
import { startRedis } from '@gpt-load/testkit/servers/redis-server'
import { useRedis } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import { createRedisChangeFeedPublisher, createRedisChangeFeedSubscriber } from '../src/redis-change-feed.ts'
import type { RedisChangeFeedOptions } from '../src/redis-change-feed.ts'
import type { RedisConnection } from '../src/redis-connection.ts'
import { silentLogger } from '../src/transport-logger.ts'
import { createRedisClient } from '../src/redis-client.ts'

const keyPrefix = 'gptload:'
const epoch = 'a'.repeat(32)

function messageOf(revision: number): ChangeFeedMessage {
  return { epoch, revision, previous: revision - 1, server_time_ms: 1_700_000_000_000 }
}

function single({ host, port }: { host: string; port: number }): RedisConnection {
  return { mode: 'single', host, port }
}

function openFeed(options: Omit<RedisChangeFeedOptions, 'keyPrefix'> & { keyPrefix?: string }) {
  const publisher = createRedisChangeFeedPublisher({ keyPrefix, ...options })
  const subscriber = createRedisChangeFeedSubscriber({ keyPrefix, ...options })
  const seen: ChangeFeedMessage[] = []
  const calls: string[] = []
  subscriber.subscribe({
    onMessage: (message) => void seen.push(message),
    onConnect: () => void calls.push('connect'),
    onStall: () => void calls.push('stall'),
    onResume: () => void calls.push('resume'),
    onDisconnect: () => void calls.push('disconnect'),
  })
  return {
    publisher,
    subscriber,
    seen,
    calls,
    /** Publishes until the subscriber has one of the messages. */
    async passes(timeoutMs = 10_000): Promise<void> {
      const before = seen.length
      await until(
        async () => {
          await publisher.publish(messageOf(99))
          return seen.length > before
        },
        { what: 'a message', timeoutMs },
      )
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all([publisher.close(), subscriber.close()])
    },
  }
}

describe('change feed over Redis', async () => {
  const redis = await useRedis()
  const place = { connection: single(redis), keyPrefix: redis.prefix }

  test('carries messages whole and in order, after onConnect', async () => {
    await using feed = openFeed(place)
    await until(() => feed.subscriber.isConnected() && feed.publisher.isConnected(), { what: 'both connections' })
    assert.deepEqual(feed.calls, ['connect'])
    const first = { ...messageOf(1), changes: [{ t: 'removed' as const, kind: 'key' as const, ids: [1, 2] }] }
    await Promise.all([feed.publisher.publish(first), feed.publisher.publish(messageOf(2))])
    await until(() => feed.seen.length === 2, { what: 'both messages' })
    assert.deepEqual(feed.seen, [first, messageOf(2)])
    assert.deepEqual(feed.publisher.counts, { published: 2, failed: 0 })
  })

  test('drops and counts what is unsigned, forged or signed under another token', async () => {
    await using feed = openFeed({ ...place, keyPrefix: `${redis.prefix}mac:`, edgeTokens: ['right', 'next'] })
    await using foreign = openFeed({ ...place, keyPrefix: `${redis.prefix}mac:`, edgeTokens: ['wrong'] })
    await using unsigned = openFeed({ ...place, keyPrefix: `${redis.prefix}mac:` })
    await until(() => [feed, foreign, unsigned].every(({ subscriber }) => subscriber.isConnected()), { what: 'all' })
    await foreign.publisher.publish(messageOf(1))
    await unsigned.publisher.publish(messageOf(2))
    await feed.publisher.publish(messageOf(3))
    await until(() => feed.subscriber.counts.received === 3, { what: 'three messages' })
    assert.deepEqual(
      feed.seen.map(({ revision }) => revision),
      [3],
    )
    assert.equal(feed.subscriber.counts.unverified, 2)
    await until(() => unsigned.seen.length === 3, { what: 'all three where nothing is signed' })
  })

  test('drops and counts what is not a feed message, and goes on', async () => {
    await using feed = openFeed({ ...place, keyPrefix: `${redis.prefix}bad:` })
    const client = createRedisClient({ connection: place.connection, name: 'test' })
    await until(() => feed.subscriber.isConnected() && client.status === 'ready', { what: 'connections' })
    const bad = ['', 'no json', 'null', '{}', '[]', '"x"', JSON.stringify({ ...messageOf(1), revision: -1 })]
    for (const text of [...bad, 'x'.repeat(1_000_000)]) {
      await client.publish(`${redis.prefix}bad:change-feed`, text)
    }
    await feed.publisher.publish(messageOf(5))
    await until(() => feed.seen.length === 1, { what: 'the good message' })
    assert.equal(feed.subscriber.counts.invalid, bad.length + 1)
    client.disconnect()
  })

  test('sends a message that is too large as a bare hint', async () => {
    await using feed = openFeed({ ...place, keyPrefix: `${redis.prefix}large:`, edgeTokens: ['token'] })
    await until(() => feed.subscriber.isConnected() && feed.publisher.isConnected(), { what: 'both connections' })
    const ids = Array.from({ length: 20_000 }, (_, id) => id)
    await feed.publisher.publish({ ...messageOf(7), changes: [{ t: 'removed', kind: 'key', ids }] })
    await until(() => feed.seen.length === 1, { what: 'the hint' })
    assert.deepEqual([feed.seen[0]?.revision, feed.seen[0]?.changes], [7, undefined])
  })
})

describe('change feed while Redis is away', () => {
  test('never rejects and never waits long, counts what is lost, and reconnects by itself with onConnect', async () => {
    await using server = await startRedis()
    await using feed = openFeed({ connection: single(server) })
    await feed.passes()
    await server.kill()
    await until(() => !feed.subscriber.isConnected() && !feed.publisher.isConnected(), { what: 'the loss' })
    const startedAt = performance.now()
    await feed.publisher.publish(messageOf(1))
    assert.ok(performance.now() - startedAt < 2_000)
    assert.ok(feed.publisher.counts.failed >= 1)
    await server.restart()
    await feed.passes(5_000)
    assert.deepEqual(feed.calls, ['connect', 'disconnect', 'connect'])
  })

  test('says within two seconds that Redis has stopped answering, and keeps the connection when it goes on soon', async () => {
    await using server = await startRedis()
    await using feed = openFeed({ connection: single(server) })
    await feed.passes()
    const pausedAt = performance.now()
    await server.pause()
    try {
      await until(() => feed.calls.includes('stall'), { what: 'the doubt', intervalMs: 5 })
    } finally {
      server.resume()
    }
    assert.ok(performance.now() - pausedAt < 2_000, `${performance.now() - pausedAt} ms`)
    await until(() => feed.calls.at(-1) === 'resume', { what: 'the answer' })
    await feed.passes()
    assert.deepEqual(feed.calls, ['connect', 'stall', 'resume'])
  })

  test('notices within three seconds that Redis has stopped answering though its sockets are open', async () => {
    await using server = await startRedis()
    await using feed = openFeed({ connection: single(server) })
    await feed.passes()
    await server.pause()
    const pausedAt = performance.now()
    try {
      await until(() => feed.calls.includes('disconnect'), { what: 'the loss', timeoutMs: 3_000 })
      await feed.publisher.publish(messageOf(1))
      assert.ok(performance.now() - pausedAt < 4_500)
      assert.equal(feed.subscriber.isConnected(), false)
    } finally {
      server.resume()
    }
    await feed.passes()
    // A message may come in the same packet as the confirmation of the subscription.
    await until(() => feed.calls.at(-1) === 'connect', { what: 'the connection', timeoutMs: 1_000 })
  })

  test('starts and is closed while there is no Redis at all', async () => {
    const server = await startRedis()
    await server.stop()
    const feed = openFeed({ connection: single(server) })
    await feed.publisher.publish(messageOf(1))
    assert.deepEqual(feed.publisher.counts, { published: 0, failed: 1 })
    assert.deepEqual(
      [feed.publisher.isConnected(), feed.subscriber.isConnected(), feed.calls.length],
      [false, false, 0],
    )
    await feed[Symbol.asyncDispose]()
  })
})

describe('change feed over every kind of Redis', () => {
  test('verifies TLS against the CA that it is given, and authenticates', async () => {
    using authority = await createCertificateAuthority()
    const certificate = await authority.issue()
    await using server = await startRedis({ tls: certificate, password: 'secret' })
    const connection = { ...single(server), password: 'secret' }
    await using feed = openFeed({ connection: { ...connection, tls: { ca: certificate.caPem } } })
    await feed.passes()
    const reasons: string[] = []
    const logger = { ...silentLogger, warn: ({ reason }: { reason?: string }) => void reasons.push(reason ?? '') }
    await using distrusting = openFeed({ connection: { ...connection, tls: {} }, logger })
    await using unauthenticated = openFeed({
      connection: { ...single(server), tls: { ca: certificate.caPem } },
      logger,
    })
    // Publisher and subscriber of each.
    await until(() => reasons.length === 4, { what: 'four refused connections' })
    assert.equal(reasons.filter((reason) => /certificate/.test(reason)).length, 2)
    assert.equal(reasons.filter((reason) => /NOAUTH/.test(reason)).length, 2)
    assert.deepEqual([distrusting.calls, unauthenticated.calls], [[], []])
  })

  test('follows Sentinel to the new master', async () => {
    await using servers = await startRedisSentinel({ password: 'secret' })
    const sentinels = servers.sentinels.map(({ host, port }) => ({ host, port }))
    const connection = { mode: 'sentinel' as const, sentinels, masterName: servers.masterName, password: 'secret' }
    await using feed = openFeed({ connection })
    await feed.passes()
    await servers.master.kill()
    await until(async () => (await servers.currentMasterPort()) === servers.replica.port, {
      what: 'the failover',
      timeoutMs: 15_000,
    })
    await feed.passes()
    assert.deepEqual(feed.calls, ['connect', 'disconnect', 'connect'])
  })

  test('uses TLS to the Sentinels as to the master', async () => {
    using authority = await createCertificateAuthority()
    const certificate = await authority.issue()
    await using servers = await startRedisSentinel({ tls: certificate })
    const sentinels = servers.sentinels.map(({ host, port }) => ({ host, port }))
    const tls = { ca: certificate.caPem }
    await using feed = openFeed({ connection: { mode: 'sentinel', sentinels, masterName: servers.masterName, tls } })
    await feed.passes()
  })

  test('reaches every node of a Cluster, and goes to another when its node dies', async () => {
    await using servers = await startRedisCluster()
    const nodes = servers.nodes.map(({ host, port }) => ({ host, port }))
    await using feed = openFeed({ connection: { mode: 'cluster', nodes } })
    await using elsewhere = openFeed({ connection: { mode: 'cluster', nodes: nodes.slice(1) } })
    await feed.passes()
    await until(() => elsewhere.subscriber.isConnected(), { what: 'the other subscriber' })
    await feed.passes()
    await until(() => elsewhere.seen.length > 0, { what: 'the message over the cluster bus' })
    await servers.nodes[0]?.kill()
    await until(() => feed.calls.length === 3, { what: 'the next node', timeoutMs: 10_000 })
    await feed.passes(20_000)
  })
})
