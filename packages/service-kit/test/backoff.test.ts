import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backoffMs, createBackoff, retryWithBackoff } from '../src/backoff.ts'
import { createManualClock } from '../src/manual-clock.ts'

test('the bound doubles with every attempt up to the maximum', () => {
  const delays = [0, 1, 2, 3, 4, 1_000].map((attempt) => backoffMs(attempt, { baseMs: 100, maxMs: 1_000 }, () => 1))
  assert.deepEqual(delays, [100, 200, 400, 800, 1_000, 1_000])
})

test('property: every delay is a number between the minimum and the maximum', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(100_000),
      fc.nat(100_000),
      fc.nat(100_000),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempt, baseMs, maxMs, minMs, random) => {
        const delayMs = backoffMs(attempt, { baseMs, maxMs, minMs }, () => random)
        return Number.isFinite(delayMs) && delayMs >= Math.min(minMs, maxMs) && delayMs <= maxMs
      },
    ),
  )
})

test('a reset begins anew', () => {
  const backoff = createBackoff({ baseMs: 10, maxMs: 1_000 }, () => 1)
  assert.deepEqual([backoff.nextMs(), backoff.nextMs(), backoff.attempts], [10, 20, 2])
  backoff.reset()
  assert.equal(backoff.nextMs(), 10)
})

function failing(times: number) {
  let calls = 0
  return {
    run: async () => (++calls <= times ? Promise.reject(new Error(`failure ${calls}`)) : 'done'),
    calls: () => calls,
  }
}

const policy = { baseMs: 100, maxMs: 1_000 }

test('retries until it succeeds, waiting between', async () => {
  const clock = createManualClock()
  const { run, calls } = failing(2)
  const result = retryWithBackoff({ run, policy, maxAttempts: 5, clock, random: () => 1 })
  await clock.advance(299)
  assert.equal(calls(), 2)
  await clock.advance(1)
  assert.equal(await result, 'done')
  assert.equal(calls(), 3)
})

test('gives up with the last error after its attempts, at once when it is not retryable, and on abort', async () => {
  const clock = createManualClock()
  const exhausted = assert.rejects(
    retryWithBackoff({ run: failing(9).run, policy, maxAttempts: 3, clock }),
    /failure 3/,
  )
  await clock.advance(10_000)
  await exhausted
  await assert.rejects(
    retryWithBackoff({ run: failing(9).run, policy, maxAttempts: 3, clock, isRetryable: () => false }),
    /failure 1/,
  )
  const controller = new AbortController()
  const options = {
    run: failing(9).run,
    policy,
    maxAttempts: 3,
    clock,
    signal: controller.signal,
    onRetry: () => controller.abort(new Error('stopped')),
  }
  await assert.rejects(retryWithBackoff(options), /stopped/)
})
