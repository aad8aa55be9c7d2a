import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '@gpt-load/service-kit/manual-clock'
import { createFailureThrottle } from '../../src/http/failure-throttle.ts'

test('an address waits out its window after too many failures, others do not', async () => {
  const clock = createManualClock()
  const throttle = createFailureThrottle({ clock, maxFailures: 3, windowMs: 1_000 })
  for (let failure = 0; failure < 3; failure += 1) {
    assert.equal(throttle.waitMs('a'), 0)
    throttle.recordFailure('a')
  }
  assert.equal(throttle.waitMs('a'), 1_000)
  assert.equal(throttle.waitMs('b'), 0)
  await clock.advance(999)
  assert.equal(throttle.waitMs('a'), 1)
  await clock.advance(1)
  assert.equal(throttle.waitMs('a'), 0)
})

test('memory is bounded: the address that failed longest ago is forgotten', () => {
  const throttle = createFailureThrottle({ clock: createManualClock(), maxFailures: 1, maxAddresses: 2 })
  for (const address of ['a', 'b', 'c']) throttle.recordFailure(address)
  assert.deepEqual(
    ['a', 'b', 'c'].map((address) => throttle.waitMs(address) > 0),
    [false, true, true],
  )
})
