import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ChangeFeedMessage } from '@gpt-load/contracts/change-feed-message'
import { until } from '@gpt-load/testkit/until'
import { createInProcessChangeFeed } from '../src/in-process-change-feed.ts'
import { createInProcessLogStream } from '../src/in-process-log-stream.ts'
import { SeekRequired } from '../src/log-stream.ts'
import type { LogConsumerHandler, SealedBatch, StreamRecord } from '../src/log-stream.ts'

function batch(firstSequence: number, bytes = 10): SealedBatch {
  const identity = { source: 'edge-1.0', edge: 'edge-1', firstSequence, count: 1 }
  return { identity, bytes: Buffer.alloc(bytes, firstSequence) }
}

type Recorder = LogConsumerHandler & { seen: StreamRecord[]; asked: number; revoked: number }

function recorder(handle: (records: readonly StreamRecord[]) => Promise<void> = async () => {}): Recorder {
  const handler: Recorder = {
    seen: [],
    asked: 0,
    revoked: 0,
    async startOffset() {
      handler.asked++
      return null
    },
    async handle(_place, records) {
      await handle(records)
      handler.seen.push(...records)
    },
    onRevoked: () => void handler.revoked++,
  }
  return handler
}

describe('in-process log stream', () => {
  test('acknowledges a send only when the handler has stored it', async () => {
    const { producer, consumer } = createInProcessLogStream({ instance: 'one' })
    const stored = Promise.withResolvers<void>()
    const handler = recorder(() => stored.promise)
    await consumer.run(handler)
    let isSent = false
    const sent = producer.send([batch(1), batch(2)]).then(() => (isSent = true))
    await until(() => handler.asked === 1, { what: 'the start offset' })
    await new Promise(setImmediate)
    assert.equal(isSent, false)
    stored.resolve()
    await sent
    await consumer.close()
    assert.deepEqual(
      handler.seen.map(({ topic, partition, offset }) => [topic, partition, offset]),
      [
        ['local.one', 0, '0'],
        ['local.one', 0, '1'],
      ],
    )
    assert.equal(handler.revoked, 1)
  })

  test('continues at the offset that the handler names', async () => {
    const { producer, consumer } = createInProcessLogStream({ instance: 'one' })
    const handler = { ...recorder(), startOffset: async () => '41' }
    await consumer.run(handler)
    await producer.send([batch(1)])
    assert.equal(handler.seen[0]?.offset, '41')
    assert.deepEqual([...consumer.highWatermarks()], [['local.one/0', '42']])
    await consumer.close()
  })

  test('takes batches before anybody consumes and repeats them until they are stored', async () => {
    const { producer, consumer } = createInProcessLogStream({ instance: 'one' })
    const sent = producer.send([batch(1), batch(2)])
    let failures = 2
    const handler = recorder(async () => {
      if (failures-- > 0) throw new Error('database is locked')
    })
    await consumer.run(handler)
    await sent
    assert.deepEqual(
      handler.seen.map(({ bytes }) => bytes[0]),
      [1, 2],
    )
    assert.equal(handler.asked, 1)
    await consumer.close()
  })

  test('asks for the offset again when the handler wants to seek', async () => {
    const { producer, consumer } = createInProcessLogStream({ instance: 'one' })
    let isFirst = true
    const handler = recorder(async () => {
      if (isFirst) {
        isFirst = false
        throw new SeekRequired()
      }
    })
    await consumer.run(handler)
    await producer.send([batch(1)])
    assert.equal(handler.asked, 2)
    await consumer.close()
  })

  test('refuses what exceeds its memory, and takes again when there is room', async () => {
    const { producer, consumer } = createInProcessLogStream({ instance: 'one', maxQueuedBytes: 100 })
    const first = producer.send([batch(1, 60)])
    await assert.rejects(producer.send([batch(2, 60)]), /full/)
    await consumer.run(recorder())
    await first
    await producer.send([batch(2, 60)])
    await consumer.close()
  })

  test('refuses what is not stored in time, and forgets it so that memory is free again', async () => {
    const { producer, consumer } = createInProcessLogStream({ instance: 'one', maxQueuedBytes: 100, sendTimeoutMs: 20 })
    await assert.rejects(producer.send([batch(1, 60)]), /not stored within 20 ms/)
    await assert.rejects(producer.send([batch(2, 60)]), /not stored within 20 ms/)
    const handler = recorder()
    await consumer.run(handler)
    await producer.send([batch(3, 60)])
    assert.deepEqual(
      handler.seen.map(({ bytes }) => bytes[0]),
      [3],
    )
    await consumer.close()
  })

  test('stores what it took before the producer is closed, and refuses what comes later', async () => {
    const { producer, consumer } = createInProcessLogStream({ instance: 'one' })
    const handler = recorder()
    const sent = producer.send([batch(1)])
    await consumer.run(handler)
    await producer.close()
    await sent
    assert.equal(handler.seen.length, 1)
    await assert.rejects(producer.send([batch(2)]), /closed/)
    await consumer.close()
  })

  test('refuses what waits when the consumer is closed, so that its sender can keep it', async () => {
    const { producer, consumer } = createInProcessLogStream({ instance: 'one' })
    const sent = assert.rejects(producer.send([batch(1)]), /closed/)
    await consumer.close()
    await sent
  })
})

describe('in-process change feed', () => {
  const message: ChangeFeedMessage = { epoch: 'a'.repeat(32), revision: 2, previous: 1, server_time_ms: 1 }

  test('tells every subscriber, later than the call and after its onConnect', async () => {
    const feed = createInProcessChangeFeed()
    const seen: string[] = []
    const listener = (name: string) => ({
      onMessage: ({ revision }: ChangeFeedMessage) => void seen.push(`${name} ${revision}`),
      onConnect: () => void seen.push(`${name} connected`),
      onStall: () => void seen.push(`${name} stalls`),
      onResume: () => void seen.push(`${name} resumes`),
      onDisconnect: () => void seen.push(`${name} gone`),
    })
    const [a, b] = [feed.createSubscriber(), feed.createSubscriber()]
    a.subscribe(listener('a'))
    b.subscribe(listener('b'))
    await feed.publisher.publish(message)
    assert.deepEqual(seen, [])
    await until(() => seen.length === 4, { what: 'all messages' })
    assert.deepEqual(seen, ['a connected', 'b connected', 'a 2', 'b 2'])
    await a.close()
    await feed.publisher.publish({ ...message, revision: 3 })
    await until(() => seen.length === 6, { what: 'the last message' })
    assert.deepEqual(seen.slice(4), ['a gone', 'b 3'])
    assert.deepEqual([a.isConnected(), b.isConnected()], [false, true])
  })
})
