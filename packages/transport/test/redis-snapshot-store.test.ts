import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { startRedisCluster } from '@gpt-load/testkit/servers/redis-cluster'
import { startRedis } from '@gpt-load/testkit/servers/redis-server'
import { useRedis } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import { createRedisClient } from '../src/redis-client.ts'
import type { RedisConnection } from '../src/redis-connection.ts'
import { createRedisSnapshotStore } from '../src/redis-snapshot-store.ts'
import type { SnapshotStore } from '../src/snapshot-store.ts'
import { baseFrame, deltaFrame, describeSnapshotStore, framesOf, revisionsOf } from './snapshot-store-behaviour.ts'

describe('Redis snapshot store', async () => {
  const redis = await useRedis()
  const connection: RedisConnection = { mode: 'single', host: redis.host, port: redis.port }
  const stores: SnapshotStore[] = []
  const open = (keyPrefix: string): SnapshotStore => {
    const store = createRedisSnapshotStore({ connection, keyPrefix })
    stores.push(store)
    return store
  }
  const newPrefix = () => `${redis.prefix}${randomBytes(4).toString('hex')}:`

  describeSnapshotStore(async () => {
    const keyPrefix = newPrefix()
    return () => open(keyPrefix)
  })

  test('leaves nothing behind of what it replaced or did not need', async () => {
    const keyPrefix = newPrefix()
    const client = createRedisClient({ connection, name: 'test' })
    const [first, second] = [open(keyPrefix), open(keyPrefix)]
    await first.replace(framesOf(baseFrame(1), deltaFrame(2)))
    await first.replace(framesOf(baseFrame(10)))
    await revisionsOf(second)
    await first.append(deltaFrame(11))
    await second.append(deltaFrame(11))
    const keys = await client.keys(`{${keyPrefix}snapshot}*`)
    // Pointer, generations, heads, two chunks of the base, two of the delta.
    assert.equal(keys.length, 7)
    for (const key of keys) assert.equal(await client.ttl(key), -1)
    client.disconnect()
  })

  test('clears away what a writer left that died while replacing', async () => {
    const keyPrefix = newPrefix()
    const client = createRedisClient({ connection, name: 'test' })
    async function* dying() {
      yield baseFrame(10)
      throw new Error('dies here')
    }
    const store = open(keyPrefix)
    await assert.rejects(store.replace(dying()))
    const [abandoned] = await client.zrange(`{${keyPrefix}snapshot}:generations`, '0', '-1')
    assert.ok(abandoned)
    await store.replace(framesOf(baseFrame(11)))
    assert.equal((await client.keys(`*${abandoned}*`)).length, 3)
    await client.zadd(`{${keyPrefix}snapshot}:generations`, 0, abandoned)
    await store.replace(framesOf(baseFrame(12)))
    assert.deepEqual(await client.keys(`*${abandoned}*`), [])
    assert.deepEqual(await revisionsOf(open(keyPrefix)), [12])
    client.disconnect()
  })

  test('is closed at the end', async () => {
    await Promise.all(stores.map((store) => store.close()))
  })
})

test('Redis snapshot store rejects within its bound while Redis is away, and works again afterwards', async () => {
  await using server = await startRedis({ isPersistent: true })
  const connection = { mode: 'single' as const, host: server.host, port: server.port }
  const store = createRedisSnapshotStore({ connection, keyPrefix: 'p:' })
  await store.replace(framesOf(baseFrame(10)))
  await server.kill()
  const startedAt = performance.now()
  await assert.rejects(store.append(deltaFrame(11)))
  assert.ok(performance.now() - startedAt < 6_000)
  await server.restart()
  await until(() => store.append(deltaFrame(11)).then(() => true), { what: 'an append' })
  assert.deepEqual(await revisionsOf(store), [10, 11])
  await store.close()
})

test('Redis snapshot store works on a Cluster', async () => {
  await using servers = await startRedisCluster()
  const nodes = servers.nodes.map(({ host, port }) => ({ host, port }))
  const store = createRedisSnapshotStore({ connection: { mode: 'cluster', nodes }, keyPrefix: 'p:' })
  await store.replace(framesOf(baseFrame(10), deltaFrame(11)))
  await store.append(deltaFrame(12))
  assert.deepEqual(await revisionsOf(store), [10, 11, 12])
  await store.close()
})
