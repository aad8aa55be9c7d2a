import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { createConnection } from 'mariadb'
import { startTestServers } from '../src/servers/test-servers.ts'

// A suite as others write it, run in a process of its own, as the test runner does.
const SUITE = `
import { test } from 'node:test'
import { useKafka, useMariadb, useRedis } from '../src/servers/test-servers.ts'
import { Redis } from 'ioredis'
const mariadb = await useMariadb()
const redis = await useRedis()
const kafka = await useKafka()
test('uses them', async () => {
  const client = new Redis(redis.dsn)
  await client.set(redis.prefix + 'a', '1')
  client.disconnect()
  await kafka.createTopic(kafka.prefix + 't')
  console.log(JSON.stringify({ database: mariadb.database.name, port: mariadb.port, redis: redis.port, kafka: kafka.brokers[0], prefixes: [redis.prefix, kafka.prefix] }))
})
`

type Seen = { database: string; port: number; redis: number; kafka: string; prefixes: string[] }

function runSuite(file: string, env: Record<string, string>): Promise<Seen> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [file],
      { env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env } },
      (error, stdout) => {
        const line = stdout.split('\n').find((text) => text.startsWith('{'))
        if (error || line === undefined) return reject(error ?? new Error(stdout))
        resolve(JSON.parse(line) as Seen)
      },
    )
  })
}

test('suites of one run share servers, never a database, key or topic, and leave no data', async (context) => {
  const dir = await mkdtemp(join(import.meta.dirname, 'suite-'))
  context.after(() => rm(dir, { recursive: true }))
  const file = join(dir, 'suite.ts')
  await writeFile(file, SUITE.replaceAll('../src', '../../src'))
  await using servers = await startTestServers()
  const seen = await Promise.all([runSuite(file, servers.env), runSuite(file, servers.env)])
  const [one, other] = seen
  assert.ok(one && other)
  for (const suite of seen) {
    assert.equal(String(suite.port), servers.env['GPTLOAD_TEST_MARIADB_PORT'])
    assert.equal(String(suite.redis), servers.env['GPTLOAD_TEST_REDIS_PORT'])
    assert.equal(suite.kafka, servers.env['GPTLOAD_TEST_KAFKA_BROKERS'])
  }
  assert.notEqual(one.database, other.database)
  assert.equal(new Set(seen.flatMap(({ prefixes }) => prefixes)).size, 4)
  await assertEmpty(one)
})

async function assertEmpty({ port, redis }: Seen): Promise<void> {
  const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' })
  assert.deepEqual(await connection.query("SHOW DATABASES LIKE 'test\\_%'"), [])
  await connection.end()
  const client = new Redis(redis)
  assert.equal(await client.dbsize(), 0)
  client.disconnect()
}
