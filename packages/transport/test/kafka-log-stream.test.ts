import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import kafkajs, { Kafka, logLevel } from 'kafkajs'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { startKafka } from '@gpt-load/testkit/servers/kafka-server'
import type { KafkaOptions } from '@gpt-load/testkit/servers/kafka-server'
import { useKafka } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import { createKafkaClient } from '../src/kafka-client.ts'
import type { KafkaConnection } from '../src/kafka-connection.ts'
import { createKafkaLogConsumer } from '../src/kafka-log-consumer.ts'
import type { KafkaLogConsumerOptions } from '../src/kafka-log-consumer.ts'
import { createKafkaLogProducer } from '../src/kafka-log-producer.ts'
import { SeekRequired } from '../src/log-stream.ts'
import type { LogConsumer, LogConsumerHandler, LogProducer } from '../src/log-stream.ts'
import { silentLogger } from '../src/transport-logger.ts'
import { batches, batchOf, rowsOf, sorted, StreamLedger } from './stream-ledger.ts'
import type { ParentReply, ParentRequest } from './pausable-consumer.ts'

const clientId = 'transport-test'
const warnings: string[] = []
process.on('warning', (warning) => warnings.push(warning.name))

type Closable = { close(): Promise<void> }
const opened: Closable[] = []
after(async () => void (await Promise.all(opened.map((one) => one.close()))))

function keep<T extends Closable>(one: T): T {
  opened.push(one)
  return one
}

describe('log stream over Kafka', async () => {
  const kafka = await useKafka()
  const connection: KafkaConnection = { brokers: kafka.brokers, topicPrefix: kafka.prefix }

  async function newTopic(partitions: number, config: Record<string, string> = {}): Promise<string> {
    const topic = `t-${randomBytes(4).toString('hex')}`
    await kafka.createTopic(`${kafka.prefix}${topic}`, partitions, config)
    return topic
  }

  function producerOf(topic: string): LogProducer {
    return keep(createKafkaLogProducer({ connection, clientId, topic }))
  }

  async function consume(
    topic: string,
    handler: LogConsumerHandler,
    options: Partial<KafkaLogConsumerOptions> = {},
  ): Promise<LogConsumer> {
    const consumer = createKafkaLogConsumer({
      connection,
      clientId,
      groupId: `g-${topic}`,
      topics: [topic],
      ...options,
    })
    await consumer.run(handler)
    return keep(consumer)
  }

  test('brings every batch byte for byte, spread evenly, with its identity in the headers', async () => {
    const topic = await newTopic(3)
    await producerOf(topic).send(batches(1, 30))
    const ledger = new StreamLedger()
    const consumer = await consume(topic, ledger.handler())
    await until(() => ledger.rows.length === 30, { what: 'all batches' })
    assert.deepEqual(sorted(ledger.rows), rowsOf(1, 30))
    assert.deepEqual([...ledger.positions.values()], [10n, 10n, 10n])
    assert.ok(consumer.isConnected())
    assert.deepEqual([...consumer.highWatermarks().values()], ['10', '10', '10'])
    const [message] = await rawMessages(connection, topic, 1)
    const headers = Object.entries(message?.headers ?? {}).map(([name, value]) => [name, String(value)])
    assert.deepEqual(headers.slice(0, 2), [
      ['source', 'edge-1.0'],
      ['edge', 'edge-1'],
    ])
    assert.deepEqual(
      headers.slice(2).map(([name]) => name),
      ['first_sequence', 'count'],
    )
  })

  test('sends batches of the largest size many at a time, though a broker takes no more than 1 MiB at once', async () => {
    const topic = await newTopic(1)
    const large = Array.from({ length: 9 }, (_, i) => batchOf(i, randomBytes(500_000)))
    await producerOf(topic).send(large)
    assert.equal(await kafka.recordCount(`${kafka.prefix}${topic}`), 9)
    let bytes = 0
    const handler = new StreamLedger().handler({
      handle: async (_place, records) => void (bytes += records.reduce((sum, one) => sum + one.bytes.length, 0)),
    })
    await consume(topic, handler)
    await until(() => bytes === 9 * 500_000, { what: 'all bytes' })
  })

  test('continues where the handler says, not where Kafka says', async () => {
    const topic = await newTopic(1)
    const key = `${kafka.prefix}${topic}/0`
    await producerOf(topic).send(batches(0, 10))
    const ledger = new StreamLedger()
    const first = await consume(topic, ledger.handler())
    await until(() => ledger.rows.length === 10, { what: 'ten batches' })
    await first.close()
    assert.equal(await committedOffset(connection, topic), '10')

    const behind = new StreamLedger()
    behind.positions.set(key, 4n)
    const second = await consume(topic, behind.handler())
    await until(() => behind.rows.length === 6, { what: 'six batches' })
    assert.deepEqual(behind.rows, rowsOf(4, 6))
    await second.close()

    const ahead = new StreamLedger()
    ahead.positions.set(key, 10n)
    await consume(topic, ahead.handler())
    await until(() => ahead.asked.length === 1, { what: 'the start offset' })
    await producerOf(topic).send([batchOf(10)])
    await until(() => ahead.rows.length === 1, { what: 'the new batch' })
    assert.deepEqual(ahead.rows, rowsOf(10, 1))
  })

  test('pauses a partition whose handler fails, repeats the same records, and serves the others meanwhile', async () => {
    const topic = await newTopic(2)
    await producerOf(topic).send(batches(0, 8))
    const ledger = new StreamLedger()
    let failuresLeft = 3
    const tried: string[] = []
    await consume(
      topic,
      ledger.handler({
        async handle(place, records) {
          if (place.partition === 0 && failuresLeft > 0) {
            tried.push(`${records[0]?.offset}+${records.length}`)
            failuresLeft--
            throw new Error('the database is away')
          }
          ledger.store(place, records)
        },
      }),
    )
    await until(() => ledger.rows.length === 4, { what: 'the healthy partition' })
    await until(() => ledger.rows.length === 8, { what: 'the other one' })
    assert.deepEqual(tried, ['0+4', '0+4', '0+4'])
    assert.deepEqual(sorted(ledger.rows), rowsOf(0, 8))
  })

  test('asks again and keeps asking while the handler cannot say where to start', async () => {
    const topic = await newTopic(1)
    await producerOf(topic).send(batches(0, 2))
    const ledger = new StreamLedger()
    let failuresLeft = 2
    const startOffset: LogConsumerHandler['startOffset'] = async (place) => {
      if (failuresLeft-- > 0) throw new Error('the database is away')
      return ledger.startOffset(place)
    }
    await consume(topic, ledger.handler({ startOffset }))
    await until(() => ledger.rows.length === 2, { what: 'both batches' })
  })

  test('seeks to what the handler says when another instance has moved on', async () => {
    const topic = await newTopic(1)
    const key = `${kafka.prefix}${topic}/0`
    const producer = producerOf(topic)
    await producer.send(batches(0, 5))
    const ledger = new StreamLedger()
    await consume(topic, ledger.handler())
    await until(() => ledger.rows.length === 5, { what: 'five batches' })
    ledger.positions.set(key, 2n)
    await producer.send(batches(5, 1))
    await until(() => ledger.rows.length === 9, { what: 'the repetition' })
    assert.deepEqual(ledger.rows, [...rowsOf(0, 5), ...rowsOf(2, 4)])
    assert.equal(ledger.refusals, 1)
  })

  test('shares partitions with a second instance and takes them back: every batch once', async () => {
    const topic = await newTopic(4)
    const producer = producerOf(topic)
    const ledger = new StreamLedger()
    const stayed: string[] = []
    const first = await consume(
      topic,
      ledger.handler({ onRevoked: ({ partition }) => void stayed.push(`${partition}`) }),
    )
    await producer.send(batches(0, 40))
    await until(() => ledger.rows.length === 40, { what: 'the first batches' })
    const second = await consume(topic, ledger.handler())
    await until(() => first.highWatermarks().size === 2 && second.highWatermarks().size === 2, {
      what: 'two partitions each',
      timeoutMs: 10_000,
    })
    assert.equal(stayed.length, 2)
    await producer.send(batches(40, 40))
    await until(() => ledger.rows.length >= 80, { what: 'all batches' })
    await second.close()
    assert.equal(second.highWatermarks().size, 0)
    await producer.send(batches(80, 20))
    await until(() => ledger.rows.length >= 100, { what: 'the last batches' })
    assert.deepEqual(sorted(ledger.rows), rowsOf(0, 100))
  })

  test('keeps its partition while a handler takes longer than the session', { timeout: 60_000 }, async () => {
    const topic = await newTopic(1)
    await producerOf(topic).send(batches(0, 1))
    const ledger = new StreamLedger()
    const release = Promise.withResolvers<void>()
    const isOver = setTimeout(release.resolve, 8_000)
    after(() => clearTimeout(isOver))
    const slow = ledger.handler({
      async handle(place, records) {
        await release.promise
        ledger.store(place, records)
      },
    })
    await consume(topic, slow, { sessionTimeoutMs: 6_000 })
    await until(() => ledger.rows.length === 1, { what: 'the batch', timeoutMs: 15_000 })
    // Had the group given it up, it would have to join and ask again before it got more.
    await producerOf(topic).send(batches(1, 1))
    await until(() => ledger.rows.length === 2, { what: 'the next batch', timeoutMs: 15_000 })
    assert.equal(ledger.asked.length, 1)
    assert.deepEqual(ledger.revoked, [])
  })

  test('a process stopped past its session finds its records stored by another and seeks: no batch twice', async () => {
    const topic = await newTopic(1)
    const producer = producerOf(topic)
    await producer.send(batches(0, 3))
    const ledger = new StreamLedger()
    const child = forkConsumer(topic)
    const held = Promise.withResolvers<ParentRequest & { kind: 'handle' }>()
    let isHeld = false
    child.on('message', (request: ParentRequest) => {
      if (request.kind === 'start')
        return void child.send({ id: request.id, offset: ledger.startOffset(request.place) })
      if (!isHeld) {
        isHeld = true
        return held.resolve(request)
      }
      child.send(storeFor(ledger, request))
    })
    const request = await held.promise
    child.kill('SIGSTOP')
    const second = await consume(topic, ledger.handler(), { sessionTimeoutMs: 6_000 })
    await until(() => ledger.rows.length === 3, { what: 'the takeover', timeoutMs: 20_000 })
    const askedBefore = ledger.asked.length
    child.kill('SIGCONT')
    const late = storeFor(ledger, request)
    assert.deepEqual(late, { id: request.id, needsSeek: true })
    child.send(late)
    await producer.send(batches(3, 3))
    await until(() => ledger.rows.length === 6, { what: 'the next batches', timeoutMs: 20_000 })
    // Back in the group, somebody was asked for the offset again.
    await until(() => ledger.asked.length > askedBefore, { what: 'the return of the stopped one', timeoutMs: 20_000 })
    await second.close()
    await producer.send(batches(6, 3))
    await until(() => ledger.rows.length === 9, { what: 'the batches after the second left', timeoutMs: 20_000 })
    assert.deepEqual(ledger.rows, rowsOf(0, 9))
    child.disconnect()
  })

  test('goes on at the earliest record, and says so, when records expired before they were read', async () => {
    const topic = await newTopic(1)
    const key = `${kafka.prefix}${topic}/0`
    await producerOf(topic).send(batches(0, 10))
    await withAdmin(connection, async (admin) => {
      // Without it kafkajs does not know the topic's leaders.
      await admin.fetchTopicOffsets(`${kafka.prefix}${topic}`)
      await admin.deleteTopicRecords({
        topic: `${kafka.prefix}${topic}`,
        partitions: [{ partition: 0, offset: '6' }],
      })
    })
    const ledger = new StreamLedger()
    ledger.positions.set(key, 2n)
    const errors: unknown[] = []
    const logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) }
    const handler = ledger.handler({
      async handle(place, records) {
        ledger.positions.delete(key)
        ledger.store(place, records)
      },
    })
    await consume(topic, handler, { logger })
    await until(() => ledger.rows.length === 4, { what: 'what is left' })
    assert.deepEqual(ledger.rows, rowsOf(6, 4))
    assert.deepEqual(errors, [{ place: key, wanted: '2', low: '6', high: '10' }])
    const fresh = new StreamLedger()
    await consume(topic, fresh.handler(), { groupId: `fresh-${topic}` })
    await until(() => fresh.rows.length === 4, { what: 'the earliest records' })
  })

  test('goes past the markers of a transaction without asking again', async () => {
    const topic = await newTopic(1)
    await sendInTransactions(connection, topic, ['batch 0', 'batch 1'])
    const ledger = new StreamLedger()
    const handler = ledger.handler({
      async handle(place, records) {
        ledger.positions.delete(`${kafka.prefix}${topic}/0`)
        ledger.store(place, records)
      },
    })
    await consume(topic, handler)
    await until(() => ledger.rows.length === 2, { what: 'both batches' })
    await producerOf(topic).send([batchOf(2)])
    await until(() => ledger.rows.length === 3, { what: 'the next batch' })
    assert.deepEqual(ledger.rows, rowsOf(0, 3))
    assert.equal(ledger.asked.length, 1)
  })

  test('reads a topic that the broker recompresses with zstd', async () => {
    const topic = await newTopic(1, { 'compression.type': 'zstd' })
    await producerOf(topic).send(batches(0, 3))
    const ledger = new StreamLedger()
    await consume(topic, ledger.handler())
    await until(() => ledger.rows.length === 3, { what: 'all batches' })
    assert.deepEqual(ledger.rows, rowsOf(0, 3))
  })

  test('rejects a send to a topic that does not exist, within its bound', async () => {
    const startedAt = performance.now()
    await assert.rejects(producerOf('missing').send(batches(0, 1)))
    assert.ok(performance.now() - startedAt < 15_000)
  })

  test('does not spin: no timer is armed with a negative delay', () => {
    assert.deepEqual(
      warnings.filter((name) => name === 'TimeoutNegativeWarning'),
      [],
    )
  })

  function forkConsumer(topic: string) {
    const file = new URL('./pausable-consumer.ts', import.meta.url)
    const args = [kafka.brokers.join(','), kafka.prefix, `g-${topic}`, topic]
    const child = fork(file, args, { serialization: 'advanced' })
    after(() => child.kill('SIGKILL'))
    return child
  }
})

describe('log stream while Kafka is away', () => {
  const topic = 'logs'
  let server: Awaited<ReturnType<typeof startKafka>>
  let connection: KafkaConnection
  before(async () => {
    server = await startKafka()
    connection = { brokers: server.brokers, topicPrefix: '' }
    await server.createTopic(topic, 2)
  })
  after(() => server.stop())

  test('a broker killed in the middle of sends loses nothing that was acknowledged, and resending completes it', async () => {
    const producer = keep(createKafkaLogProducer({ connection, clientId, topic }))
    await producer.send(batches(0, 1))
    const acknowledged = new Set([0])
    const deliver = async (sequence: number): Promise<void> => {
      for (;;) {
        const startedAt = performance.now()
        try {
          await producer.send([batchOf(sequence)])
          return void acknowledged.add(sequence)
        } catch {
          assert.ok(performance.now() - startedAt < 15_000)
        }
      }
    }
    const deliveries = Array.from({ length: 30 }, (_, i) => deliver(i + 1))
    await until(() => acknowledged.size > 1, { what: 'the first acknowledgement', intervalMs: 1 })
    await server.kill()
    await server.restart()
    await Promise.all(deliveries)
    assert.ok(producer.isConnected())
    const ledger = new StreamLedger()
    const consumer = keep(createKafkaLogConsumer({ connection, clientId, groupId: 'g', topics: [topic] }))
    await consumer.run(ledger.handler())
    await until(() => new Set(ledger.rows).size === 31, { what: 'every batch', timeoutMs: 20_000 })
    assert.deepEqual(sorted([...new Set(ledger.rows)]), rowsOf(0, 31))
  })

  test('a consumer goes on by itself when the broker is back, and says meanwhile that it is not connected', async () => {
    const ledger = new StreamLedger()
    const options = { connection, clientId, groupId: 'again', topics: [topic], sessionTimeoutMs: 6_000 }
    const consumer = keep(createKafkaLogConsumer(options))
    await consumer.run(ledger.handler())
    await until(() => ledger.rows.length >= 31, { what: 'what was there', timeoutMs: 20_000 })
    const before = ledger.rows.length
    await server.kill()
    await until(() => !consumer.isConnected(), { what: 'the loss', timeoutMs: 20_000 })
    await server.restart()
    const producer = keep(createKafkaLogProducer({ connection, clientId, topic }))
    await producer.send(batches(100, 4))
    await until(() => ledger.rows.length === before + 4, { what: 'the new batches', timeoutMs: 30_000 })
    assert.deepEqual(sorted(ledger.rows.slice(before)), rowsOf(100, 4))
    assert.ok(consumer.isConnected())
  })

  test('a send rejects within its bound and says so, also when the broker is stopped with its sockets open', async () => {
    const producer = keep(createKafkaLogProducer({ connection, clientId, topic, sendTimeoutMs: 1_000 }))
    await producer.send(batches(200, 1))
    await server.pause()
    const startedAt = performance.now()
    await assert.rejects(producer.send(batches(201, 1)), /took more than 1000 ms|timed out/)
    assert.ok(performance.now() - startedAt < 5_000)
    assert.equal(producer.isConnected(), false)
    server.resume()
    await until(() => producer.send(batches(201, 1)).then(() => true), { what: 'a send', timeoutMs: 15_000 })
    assert.ok(producer.isConnected())
  })

  test('producer and consumer start and are closed while there is no broker', async () => {
    const nowhere: KafkaConnection = { brokers: ['127.0.0.1:1'], topicPrefix: '' }
    const producer = createKafkaLogProducer({ connection: nowhere, clientId, sendTimeoutMs: 500 })
    const consumer = createKafkaLogConsumer({ connection: nowhere, clientId, groupId: 'g' })
    await consumer.run(new StreamLedger().handler())
    await assert.rejects(producer.send(batches(0, 1)))
    assert.deepEqual([producer.isConnected(), consumer.isConnected()], [false, false])
    await Promise.all([producer.close(), consumer.close()])
  })
})

describe('log stream over secured Kafka', () => {
  const secrets = { username: 'edge', password: 'a-secret-for-kafka' }

  async function passes(
    options: KafkaOptions,
    secured: Omit<KafkaConnection, 'brokers' | 'topicPrefix'>,
  ): Promise<void> {
    await using server = await startKafka(options)
    await server.createTopic('logs', 1)
    const connection: KafkaConnection = { brokers: server.brokers, topicPrefix: '', ...secured }
    const producer = createKafkaLogProducer({ connection, clientId, topic: 'logs' })
    const consumer = createKafkaLogConsumer({ connection, clientId, groupId: 'g', topics: ['logs'] })
    const ledger = new StreamLedger()
    await consumer.run(ledger.handler())
    await producer.send(batches(0, 3))
    await until(() => ledger.rows.length === 3, { what: 'all batches', timeoutMs: 10_000 })
    await refusesStrangers(connection)
    await Promise.all([producer.close(), consumer.close()])
  }

  /** Another CA, another password: refused, and the password is in no error and no log line. */
  async function refusesStrangers(connection: KafkaConnection): Promise<void> {
    const lines: string[] = []
    const log = (fields: object, message: string) => void lines.push(JSON.stringify(fields) + message)
    const logger = { debug: log, info: log, warn: log, error: log }
    const { sasl, tls, ...rest } = connection
    const strangers: KafkaConnection[] = []
    if (tls) strangers.push({ ...rest, tls: {}, ...(sasl ? { sasl } : {}) })
    if (sasl) strangers.push({ ...rest, ...(tls ? { tls } : {}), sasl: { ...sasl, password: 'another-secret' } })
    for (const stranger of strangers) {
      const producer = createKafkaLogProducer({ connection: stranger, clientId, topic: 'logs', logger })
      const error = await producer.send(batches(0, 1)).then(
        () => assert.fail('a stranger was let in'),
        (reason: Error) => reason,
      )
      lines.push(`${error.message} ${error.stack}`)
      await producer.close()
    }
    assert.equal(lines.join('\n').includes('secret'), false)
  }

  test('TLS, verified against the CA that it is given', async () => {
    using authority = await createCertificateAuthority()
    const tls = await authority.issue()
    await passes({ tls }, { tls: { ca: tls.caPem } })
  })

  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
    test(`SASL ${mechanism}`, async () => {
      const sasl = { mechanism, ...secrets }
      await passes({ sasl }, { sasl })
    })
  }

  test('SASL over TLS', async () => {
    using authority = await createCertificateAuthority()
    const tls = await authority.issue()
    const sasl = { mechanism: 'scram-sha-512' as const, ...secrets }
    await passes({ tls, sasl }, { tls: { ca: tls.caPem }, sasl })
  })
})

function storeFor(ledger: StreamLedger, request: ParentRequest & { kind: 'handle' }): ParentReply {
  try {
    ledger.store(request.place, request.records)
    return { id: request.id }
  } catch (error) {
    assert.ok(error instanceof SeekRequired)
    return { id: request.id, needsSeek: true }
  }
}

type Admin = ReturnType<Kafka['admin']>

async function withAdmin<T>(connection: KafkaConnection, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = createKafkaClient({ connection, clientId }).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

async function committedOffset(connection: KafkaConnection, topic: string): Promise<string | undefined> {
  const groupId = `${connection.topicPrefix}g-${topic}`
  const [own] = await withAdmin(connection, (admin) => {
    return admin.fetchOffsets({ groupId, topics: [`${connection.topicPrefix}${topic}`] })
  })
  return own?.partitions[0]?.offset
}

async function rawMessages(connection: KafkaConnection, topic: string, count: number) {
  const kafka = new Kafka({ brokers: [...connection.brokers], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `raw-${randomBytes(4).toString('hex')}`, maxWaitTimeInMs: 200 })
  const messages: { value: Buffer | null; headers?: object }[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [`${connection.topicPrefix}${topic}`], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) })
  await until(() => messages.length >= count, { what: 'raw messages' })
  await consumer.disconnect()
  return messages
}

async function sendInTransactions(connection: KafkaConnection, topic: string, values: string[]): Promise<void> {
  const kafka = new Kafka({ brokers: [...connection.brokers], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ transactionalId: `tx-${topic}`, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (const value of values) {
    const transaction = await producer.transaction()
    const compression = kafkajs.CompressionTypes.None
    await transaction.send({ topic: `${connection.topicPrefix}${topic}`, compression, messages: [{ value }] })
    await transaction.commit()
  }
  await producer.disconnect()
}
