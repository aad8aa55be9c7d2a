import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, Redis } from 'ioredis'
import { createCertificateAuthority } from '../src/servers/certificate-authority.ts'
import { startRedisCluster } from '../src/servers/redis-cluster.ts'
import { startRedisSentinel } from '../src/servers/redis-sentinel.ts'
import { startRedis } from '../src/servers/redis-server.ts'
import { until } from '../src/until.ts'

async function once<T>(client: Redis, use: (client: Redis) => Promise<T>): Promise<T> {
  client.on('error', () => undefined)
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

const impatient = { retryStrategy: () => null, maxRetriesPerRequest: 0 } as const

test('data of a persistent server survives SIGKILL, data of another does not', async () => {
  await using kept = await startRedis({ isPersistent: true })
  await using forgotten = await startRedis()
  for (const server of [kept, forgotten]) {
    await once(new Redis(server.dsn), (client) => client.set('a', '1'))
    await server.kill('SIGKILL')
    await server.restart()
  }
  assert.equal(await once(new Redis(kept.dsn), (client) => client.get('a')), '1')
  assert.equal(await once(new Redis(forgotten.dsn), (client) => client.get('a')), null)
})

test('a password is asked for', async () => {
  await using server = await startRedis({ password: 'p@ss:word' })
  assert.equal(await once(new Redis(server.dsn), (client) => client.ping()), 'PONG')
  const stranger = new Redis({ port: server.port, ...impatient })
  await assert.rejects(
    once(stranger, (client) => client.ping()),
    /NOAUTH/,
  )
})

test('TLS is accepted with the CA; an unknown CA and a plain connection are refused', async () => {
  using authority = await createCertificateAuthority()
  await using server = await startRedis({ tls: await authority.issue() })
  assert.match(server.dsn, /^rediss:/)
  const tls = { ca: authority.caPem }
  assert.equal(await once(new Redis(server.dsn, { tls }), (client) => client.ping()), 'PONG')
  await assert.rejects(once(new Redis(server.dsn, impatient), (client) => client.ping()))
  await assert.rejects(once(new Redis({ port: server.port, ...impatient }), (client) => client.ping()))
})

test('a cluster of three serves keys of every slot', async () => {
  await using servers = await startRedisCluster()
  const cluster = new Cluster(servers.nodes.map(({ host, port }) => ({ host, port })))
  try {
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
    await Promise.all(keys.map((key) => cluster.set(key, key)))
    assert.deepEqual(await Promise.all(keys.map((key) => cluster.get(key))), keys)
    const sizes = await Promise.all(servers.nodes.map((node) => once(node.connect(), (client) => client.dbsize())))
    assert.ok(sizes.every((size) => size > 0 && size < keys.length))
  } finally {
    cluster.disconnect()
  }
})

test('Sentinels promote the replica when the master dies', async () => {
  await using servers = await startRedisSentinel()
  assert.equal(await servers.currentMasterPort(), servers.master.port)
  await servers.master.kill()
  await until(async () => (await servers.currentMasterPort()) === servers.replica.port, {
    what: 'the fail-over',
    timeoutMs: 15_000,
  })
  const sentinels = servers.sentinels.map(({ host, port }) => ({ host, port }))
  assert.equal(await once(new Redis({ sentinels, name: servers.masterName }), (client) => client.set('a', '1')), 'OK')
})
