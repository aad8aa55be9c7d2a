import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { LearntResource } from '@gpt-load/contracts/resource-key'
import { createManualClock } from '@gpt-load/service-kit/manual-clock'
import { until } from '@gpt-load/testkit/until'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { createResourceExchange, maxWaitingResources } from '../../src/control-plane/resource-exchange.ts'
import { FakeControlPlane } from './fake-control-plane.ts'

const resource = (number: number): LearntResource => ({ high: number, low: -number, key_id: number, expires_at: 1e15 })

function open(plane: FakeControlPlane) {
  const clock = createManualClock()
  const held = new Map<number, number>()
  const exchange = createResourceExchange({
    api: plane,
    table: { putResource: ({ high }, keyId) => void held.set(high, keyId), forgetResources: () => held.clear() },
    epoch: () => plane.epoch,
    clock,
    logger: silentLogger as never,
  })
  exchange.start()
  return { exchange, clock, held, [Symbol.asyncDispose]: () => exchange.close() }
}

suite('resource exchange', () => {
  test('what one edge has learnt, another one hears, and one that starts later too', async () => {
    const plane = new FakeControlPlane()
    await using one = open(plane)
    await using two = open(plane)
    for (let number = 1; number <= 2_500; number += 1) one.exchange.add(resource(number))
    await one.clock.advance(300)
    await until(() => one.exchange.pending === 0, { what: 'all to be told' })
    await two.clock.advance(1_500)
    await until(() => two.held.size === 2_500, { what: 'all to be heard' })
    await using later = open(plane)
    await until(() => later.held.size === 2_500, { what: 'all to be heard at the start' })
    assert.equal(plane.resourceRows.length, 2_500, 'each once')
  })

  test('what is heard is not asked for again, but for the youngest rows', async () => {
    const plane = new FakeControlPlane()
    plane.resourceRows.push(...Array.from({ length: 12_000 }, (_value, index) => resource(index + 1)))
    await using edge = open(plane)
    await until(() => edge.held.size === 12_000, { what: 'three pages' })
    assert.deepEqual(plane.questions, [0, 5_000, 10_000])
    for (let second = 0; second < 6; second += 1) {
      const asked = plane.questions.length
      await edge.clock.advance(1_200)
      await until(() => plane.questions.length > asked, { what: 'a question' })
    }
    assert.equal(plane.questions.at(-1), 12_000)
    plane.resourceRows.push(resource(12_001))
    await edge.clock.advance(1_200)
    await until(() => edge.held.size === 12_001, { what: 'the new one' })
  })

  test('while config-service is away all of it waits, up to a bound', async () => {
    const plane = new FakeControlPlane()
    plane.isAway = true
    await using edge = open(plane)
    for (let number = 1; number <= maxWaitingResources + 5; number += 1) edge.exchange.add(resource(number))
    assert.deepEqual([edge.exchange.pending, edge.exchange.counts.dropped], [maxWaitingResources, 5])
    await edge.clock.advance(300)
    plane.isAway = false
    await edge.exchange.flush(5_000)
    assert.equal(edge.exchange.pending, 0)
    assert.equal(plane.resourceRows[0]!.high, 6, 'the oldest were dropped')
  })

  test('another epoch: nothing of the former one stays or is told', async () => {
    const plane = new FakeControlPlane()
    plane.resourceRows.push(resource(1))
    await using edge = open(plane)
    await until(() => edge.held.size === 1, { what: 'the first one' })
    edge.exchange.add(resource(2))
    plane.epoch = 'f'.repeat(32)
    plane.resourceRows.length = 0
    await edge.exchange.flush(5_000)
    assert.deepEqual([edge.held.size, edge.exchange.pending, plane.resourceRows.length], [0, 0, 0])
  })
})
