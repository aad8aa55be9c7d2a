import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kafka, SASLOptions } from 'kafkajs'
import { createCertificateAuthority } from '../src/servers/certificate-authority.ts'
import { createKafkaClient } from '../src/servers/kafka-client.ts'
import type { KafkaSasl } from '../src/servers/kafka-properties.ts'
import { startKafka } from '../src/servers/kafka-server.ts'

const impatient = { requestTimeout: 1_000, retry: { retries: 0 } }

async function send(client: Kafka, topic: string, ...values: string[]): Promise<void> {
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) })
  await producer.disconnect()
}

async function listTopics(client: Kafka): Promise<string[]> {
  const admin = client.admin({ retry: { retries: 0 } })
  try {
    await admin.connect()
    return await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}

test('acknowledged records survive SIGKILL and restart; topics are never made by accident', async () => {
  await using server = await startKafka()
  await server.createTopic('records', 2)
  const client = await server.connect()
  await send(client, 'records', 'a', 'b', 'c')
  await assert.rejects(send(createKafkaClient(server.brokers, impatient), 'unknown', 'x'))
  await server.kill('SIGKILL')
  await server.restart()
  assert.equal(await server.recordCount('records'), 3)
  await server.deleteTopics(['records'])
  assert.ok(!(await listTopics(client)).includes('records'))
})

test('TLS is accepted with the CA; an unknown CA and a plain connection are refused', async () => {
  using authority = await createCertificateAuthority()
  await using server = await startKafka({ tls: await authority.issue() })
  await server.createTopic('secret')
  assert.deepEqual(await listTopics(await server.connect()), ['secret'])
  using stranger = await createCertificateAuthority()
  await assert.rejects(listTopics(createKafkaClient(server.brokers, { ...impatient, ssl: { ca: stranger.caPem } })))
  await assert.rejects(listTopics(createKafkaClient(server.brokers, impatient)))
})

for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
  test(`SASL ${mechanism} over TLS lets in who knows the password`, async () => {
    using authority = await createCertificateAuthority()
    const sasl: KafkaSasl = { mechanism, username: 'alice', password: 'right' }
    await using server = await startKafka({ tls: await authority.issue(), sasl })
    await server.createTopic('guarded')
    assert.deepEqual(await listTopics(await server.connect()), ['guarded'])
    const wrong = { ...sasl, password: 'wrong' } as SASLOptions
    const intruder = createKafkaClient(server.brokers, { ssl: { ca: authority.caPem }, sasl: wrong })
    await assert.rejects(listTopics(intruder), /[Aa]uthentication/)
  })
}
