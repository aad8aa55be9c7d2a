import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { useKafka } from '@gpt-load/testkit/servers/test-servers'
import { ensureTopics, TopicsNotReady } from '../src/ensure-topics.ts'
import type { WantedTopic } from '../src/ensure-topics.ts'

const dayMs = 86_400_000

describe('topics of the log stream', async () => {
  const kafka = await useKafka()
  const connection = { brokers: kafka.brokers, topicPrefix: kafka.prefix }
  const server = kafka.brokers.join(',')

  function wantedTopic(overrides: Partial<WantedTopic> = {}): WantedTopic {
    const name = `t-${randomBytes(4).toString('hex')}`
    return { name, partitions: 3, replicationFactor: 1, retentionMs: dayMs, ...overrides }
  }

  async function ensure(canCreate: boolean, ...topics: WantedTopic[]): Promise<readonly string[]> {
    try {
      await ensureTopics({ connection, clientId: 'test', topics, canCreate })
      return []
    } catch (error) {
      if (error instanceof TopicsNotReady) return error.commands
      throw error
    }
  }

  test('are made as wanted, also by two instances at once, and are fine from then on', async () => {
    const wanted = [wantedTopic(), wantedTopic({ partitions: 1, retentionMs: -1 })]
    assert.deepEqual(await Promise.all([ensure(true, ...wanted), ensure(true, ...wanted)]), [[], []])
    assert.deepEqual(await ensure(false, ...wanted), [])
  })

  test('that are missing are named with the command that makes them, when they may not be made', async () => {
    const wanted = wantedTopic()
    const topic = `${kafka.prefix}${wanted.name}`
    const commands = await ensure(false, wanted)
    assert.deepEqual(commands, [
      `kafka-topics.sh --bootstrap-server ${server} --create --topic ${topic} --partitions 3 --replication-factor 1 --config retention.ms=${dayMs}`,
    ])
  })

  test('with too few partitions are grown, or named with the command that does it', async () => {
    const wanted = wantedTopic({ partitions: 2 })
    await ensure(true, wanted)
    const more = { ...wanted, partitions: 4 }
    const topic = `${kafka.prefix}${wanted.name}`
    assert.deepEqual(await ensure(false, more), [
      `kafka-topics.sh --bootstrap-server ${server} --alter --topic ${topic} --partitions 4`,
    ])
    assert.deepEqual(await ensure(true, more), [])
    assert.deepEqual(await ensure(false, more), [])
  })

  test('with more than is wanted are fine', async () => {
    const wanted = wantedTopic({ retentionMs: -1 })
    await ensure(true, wanted)
    assert.deepEqual(await ensure(false, { ...wanted, partitions: 1, retentionMs: dayMs }), [])
  })

  test('that forget too early, take too little or have too few replicas are never changed, all problems named at once', async () => {
    const wanted = wantedTopic()
    const topic = `${kafka.prefix}${wanted.name}`
    await kafka.createTopic(topic, 3, { 'retention.ms': '60000', 'max.message.bytes': '1000' })
    const commands = await ensure(true, { ...wanted, replicationFactor: 3 }, wantedTopic({ partitions: 1 }))
    assert.equal(commands.length, 3)
    assert.match(commands[0] ?? '', /^kafka-reassign-partitions\.sh /)
    assert.deepEqual(commands.slice(1), [
      `kafka-configs.sh --bootstrap-server ${server} --alter --entity-type topics --entity-name ${topic} --add-config retention.ms=${dayMs}`,
      `kafka-configs.sh --bootstrap-server ${server} --alter --entity-type topics --entity-name ${topic} --add-config max.message.bytes=1048576`,
    ])
  })
})
