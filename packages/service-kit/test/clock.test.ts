import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSystemClock } from '../src/clock.ts'
import { createManualClock } from '../src/manual-clock.ts'

test('manual timers fire in order of their deadline, also those that are set meanwhile', async () => {
  const clock = createManualClock({ nowMs: 1_000 })
  const fired: string[] = []
  clock.setTimeout(() => fired.push(`b ${clock.nowMs()}`), 20)
  clock.setTimeout(() => {
    fired.push(`a ${clock.nowMs()}`)
    clock.setTimeout(() => fired.push(`c ${clock.nowMs()}`), 5)
  }, 10)
  clock.setTimeout(() => fired.push('never'), 15).cancel()
  await clock.advance(20)
  assert.deepEqual(fired, ['a 1010', 'c 1015', 'b 1020'])
  assert.equal(clock.monotonicMs(), 20)
  assert.equal(clock.pendingTimers, 0)
})

test('a jump of the wall clock moves no timer and not the monotonic clock', async () => {
  const clock = createManualClock({ nowMs: 0 })
  let hasFired = false
  clock.setTimeout(() => void (hasFired = true), 10)
  clock.shiftWallClock(1_000_000)
  assert.deepEqual([clock.nowMs(), clock.monotonicMs(), hasFired], [1_000_000, 0, false])
  await clock.advance(10)
  assert.ok(hasFired)
})

for (const [name, create] of [
  ['system', createSystemClock],
  ['manual', createManualClock],
] as const) {
  test(`${name}: a sleep ends when its signal aborts, also when it was aborted before, and leaves no listener`, async () => {
    const clock = create()
    const controller = new AbortController()
    const sleeping = clock.sleep(3_600_000, controller.signal)
    controller.abort()
    await sleeping
    await clock.sleep(3_600_000, controller.signal)
  })
}

test('system: a timer beyond 2^31 ms does not fire at once', async () => {
  const clock = createSystemClock()
  let hasFired = false
  const timer = clock.setTimeout(() => void (hasFired = true), 2 ** 31 + 1_000)
  await clock.sleep(5)
  timer.cancel()
  assert.equal(hasFired, false)
})
