import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { createMariadbSqlClient } from '@gpt-load/database/sql-client/mariadb-sql-client'
import { startProcess } from '@gpt-load/testkit/child-process'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { startKafka } from '@gpt-load/testkit/servers/kafka-server'
import { startMariadb } from '@gpt-load/testkit/servers/mariadb-server'
import { until } from '@gpt-load/testkit/until'
import { createKafkaLogProducer } from '@gpt-load/transport/kafka-log-producer'
import type { SealedBatch } from '@gpt-load/transport/log-stream'
import { batchRecord, count, logEvent } from './log-fixtures.ts'

describe('log-ingest as a process', () => {
  test('killed in mid-batch and started again, with MariaDB killed too, it loses no row and doubles none', async () => {
    await using mariadb = await startMariadb()
    await using kafka = await startKafka()
    const { dsn, name } = await mariadb.createDatabase()
    const adminPort = await freePort()
    const start = () =>
      startProcess({
        name: 'log-ingest',
        command: process.execPath,
        args: [resolve(import.meta.dirname, '../src/main.ts')],
        env: {
          PATH: process.env['PATH'],
          DATABASE_DSN: dsn,
          KAFKA_BROKERS: kafka.brokers.join(','),
          KAFKA_SESSION_TIMEOUT: '6s',
          ADMIN_HOST: '127.0.0.1',
          ADMIN_PORT: String(adminPort),
        },
        ready: async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok,
      })
    const first = await start()
    const sql = createMariadbSqlClient(
      { host: mariadb.host, port: mariadb.port, user: 'root', password: '', database: name },
      { connections: 2 },
    )
    const producer = createKafkaLogProducer({
      connection: { brokers: kafka.brokers, topicPrefix: 'gptload.' },
      clientId: 'test',
    })
    const batches = 120
    const perBatch = 50
    const half = Array.from({ length: batches / 2 }, (_, index) => sealed(index, perBatch))
    await producer.send(half)
    await until(async () => (await count(sql, 'request_logs')) > 0, { what: 'the first rows', timeoutMs: 20_000 })
    first.signal('SIGKILL')
    await first.exit
    await producer.send(Array.from({ length: batches / 2 }, (_, index) => sealed(batches / 2 + index, perBatch)))
    // A resend of everything, as after lost acknowledgements.
    await producer.send(half)
    const second = await start()
    await mariadb.kill('SIGKILL')
    await mariadb.restart()
    const expected = batches * perBatch
    await until(async () => (await count(sql, 'request_logs').catch(() => -1)) >= expected, {
      what: 'all rows',
      timeoutMs: 60_000,
    })
    await until(async () => sumOffsets(await sql.read('SELECT next_offset FROM log_offsets')) === batches * 1.5, {
      what: 'all records',
      timeoutMs: 20_000,
    })
    assert.equal(await count(sql, 'request_logs'), expected)
    const [distinct] = await sql.read('SELECT COUNT(DISTINCT request_id) AS n FROM request_logs')
    assert.equal(Number(distinct?.['n']), expected)
    const [rollup] = await sql.read('SELECT SUM(requests) AS n FROM request_rollups WHERE span = 86400')
    assert.equal(Number(rollup?.['n']), expected)
    assert.equal((await second.stop()).code, 0)
    await producer.close()
    await sql.close()
  })

  test('is not ready while it waits for MySQL and Kafka at its start, and ends all the same when told', async () => {
    const adminPort = await freePort()
    await using waiting = await startProcess({
      name: 'log-ingest',
      command: process.execPath,
      args: [resolve(import.meta.dirname, '../src/main.ts')],
      env: {
        PATH: process.env['PATH'],
        DATABASE_DSN: `mysql://root@127.0.0.1:${await freePort()}/none`,
        KAFKA_BROKERS: `127.0.0.1:${await freePort()}`,
        ADMIN_HOST: '127.0.0.1',
        ADMIN_PORT: String(adminPort),
      },
      readyPattern: /not available yet/,
    })
    assert.equal((await fetch(`http://127.0.0.1:${adminPort}/livez`)).status, 200)
    assert.equal((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status, 503)
    assert.equal((await waiting.stop()).code, 0)
  })

  test('refuses to start with one clear message per wrong variable', async () => {
    const failing = startProcess({
      name: 'log-ingest',
      command: process.execPath,
      args: [resolve(import.meta.dirname, '../src/main.ts')],
      env: { PATH: process.env['PATH'], DATABASE_DSN: 'postgres://u:s3cr3tpassword@h/d', KAFKA_PARTITIONS: 'many' },
      readyPattern: /never/,
    })
    await assert.rejects(failing, (error: Error) => {
      for (const name of ['DATABASE_DSN', 'KAFKA_BROKERS', 'KAFKA_PARTITIONS'])
        assert.match(error.message, new RegExp(name))
      assert.doesNotMatch(error.message, /s3cr3tpassword|\n\s+at /)
      return true
    })
  })
})

function sealed(index: number, perBatch: number): SealedBatch {
  const first = index * perBatch + 1
  const events = Array.from({ length: perBatch }, (_, n) => logEvent(first + n))
  const identity = { source: 'edge-1.0', edge: 'edge-1', firstSequence: first, count: perBatch }
  return { identity, bytes: batchRecord(0, events, identity).bytes }
}

const sumOffsets = (rows: readonly Record<string, unknown>[]) =>
  rows.reduce((sum, row) => sum + Number(row['next_offset']), 0)
