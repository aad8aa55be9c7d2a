import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  UpstreamHealth,
  upstreamHealthBytes,
  type Circuit,
} from '../../src/data-plane/upstream-health/upstream-health.ts'

const circuit: Circuit = { failureThreshold: 3, errorRatePercent: 50, openMs: 1_000, stormKeys: 0 }
const onlyRate: Circuit = { ...circuit, failureThreshold: 0 }

function open() {
  const memory = new SharedArrayBuffer(upstreamHealthBytes)
  let nowMs = 5_000_000
  const health = new UpstreamHealth(memory, () => nowMs)
  const another = new UpstreamHealth(memory, () => nowMs)
  const fail = (times: number, by = circuit) => {
    for (let time = 0; time < times; time += 1) health.failed(7, false, by)
  }
  return { health, another, fail, pass: (ms: number) => (nowMs += ms) }
}

suite('upstream health', () => {
  test('one worker checks an upstream once per interval; a shorter interval holds at once', () => {
    const { health, another, pass } = open()
    assert.deepEqual([health.claimCheck(7, 60_000), another.claimCheck(7, 60_000)], [true, false])
    pass(59_900)
    assert.equal(another.claimCheck(7, 60_000), false)
    pass(100)
    assert.deepEqual([another.claimCheck(7, 60_000), health.claimCheck(7, 60_000)], [true, false])
    assert.deepEqual([health.claimCheck(7, 1_000), health.claimCheck(7, 1_000)], [true, false])
    assert.equal(health.claimCheck(-1, 1_000), false)
  })

  test('opens at the threshold of consecutive failures, for all workers; an answer in between starts again', () => {
    const { health, another, fail } = open()
    fail(2)
    health.answered(7, false)
    fail(2)
    assert.equal(another.isClosed(7), true)
    fail(1)
    assert.equal(another.isClosed(7), false)
    assert.equal(another.isClosed(8), true)
    assert.deepEqual(another.stateOf(7), {
      state: 'open',
      retryInMs: 1_000,
      consecutiveFailures: 3,
      openings: 1,
      isThrottled: false,
    })
  })

  test('opens when half of at least twenty answers within the window failed', () => {
    const { health, fail, pass } = open()
    for (let pair = 0; pair < 9; pair += 1) {
      health.failed(7, false, onlyRate)
      health.answered(7, false)
    }
    assert.equal(health.isClosed(7), true)
    fail(2, onlyRate)
    assert.equal(health.isClosed(7), false)
    pass(60_000)
    const calm = open()
    for (let pair = 0; pair < 40; pair += 1) {
      calm.fail(1, onlyRate)
      calm.health.answered(7, false)
      calm.pass(1_500)
    }
    assert.equal(calm.health.isClosed(7), true, 'never twenty within ten seconds')
  })

  test('one request of all workers is the trial when its time has come', () => {
    const { health, another, fail, pass } = open()
    fail(3)
    assert.equal(health.claimTrial(7), false)
    pass(1_000)
    assert.deepEqual([another.claimTrial(7), health.claimTrial(7)], [true, false])
    assert.equal(health.isClosed(7), false)
    another.answered(7, true)
    assert.equal(health.isClosed(7), true)
  })

  test('a trial that fails opens it for twice as long, up to five minutes; a trial without an outcome is repeated', () => {
    const { health, fail, pass } = open()
    fail(3)
    let openMs = 1_000
    for (let turn = 0; turn < 12; turn += 1) {
      pass(openMs)
      assert.equal(health.claimTrial(7), true, `turn ${turn}`)
      health.failed(7, true, circuit)
      openMs = Math.min(openMs * 2, 300_000)
      assert.equal(health.stateOf(7).retryInMs, openMs)
    }
    pass(openMs)
    assert.equal(health.claimTrial(7), true)
    pass(14_900)
    assert.equal(health.claimTrial(7), false)
    pass(100)
    assert.equal(health.claimTrial(7), true)
  })

  test('what was sent before it opened neither closes nor lengthens it', () => {
    const { health, fail, pass } = open()
    fail(3)
    pass(500)
    health.answered(7, false)
    fail(50)
    assert.equal(health.stateOf(7).retryInMs, 500)
    assert.equal(health.stateOf(7).openings, 1)
  })

  test('the next opening is long again soon after, and short again after five calm minutes', () => {
    const { health, fail, pass } = open()
    fail(3)
    pass(1_000)
    health.claimTrial(7)
    health.answered(7, true)
    fail(3)
    assert.equal(health.stateOf(7).retryInMs, 2_000)
    pass(2_000)
    health.claimTrial(7)
    health.answered(7, true)
    pass(300_100)
    fail(3)
    assert.equal(health.stateOf(7).retryInMs, 1_000)
  })

  test('zero switches either rule off; an unwatched upstream is always healthy; another one begins anew', () => {
    const { health, fail } = open()
    fail(500, { failureThreshold: 0, errorRatePercent: 0, openMs: 1_000, stormKeys: 0 })
    assert.equal(health.isClosed(7), true)
    health.failed(-1, false, circuit)
    health.answered(-1, true)
    assert.equal(health.isClosed(-1), true)
    fail(1)
    assert.equal(health.isClosed(7), false)
    health.reset(7)
    assert.deepEqual(health.stateOf(7), {
      state: 'closed',
      retryInMs: 0,
      consecutiveFailures: 0,
      openings: 0,
      isThrottled: false,
    })
  })
})
