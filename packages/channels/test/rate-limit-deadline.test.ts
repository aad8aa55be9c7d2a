import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextPacificMidnight } from '../src/pacific-midnight.ts'
import { headerDeadline, parseDurationMs, parseReset } from '../src/rate-limit-deadline.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')
const after = (...headers: string[]): number => {
  const deadline = headerDeadline(headers, nowMs)
  return deadline === null ? 0 : deadline.until - nowMs
}

test('Retry-After: seconds, fractions, and the three forms of an HTTP date (RFC 9110 5.6.7)', () => {
  assert.equal(after('Retry-After', '2'), 2_000)
  assert.equal(after('retry-after', ' 1.5 '), 1_500)
  assert.equal(after('retry-after', 'Sun, 01 Mar 2026 12:00:30 GMT'), 30_000)
  assert.equal(after('retry-after', 'Sunday, 01-Mar-26 12:00:30 GMT'), 30_000)
  assert.equal(after('retry-after', 'Sun Mar  1 12:00:30 2026'), 30_000)
})

test('a time that is past, zero or nonsense counts as none', () => {
  for (const value of ['0', '-5', '', 'soon', 'NaN', 'Sun, 01 Mar 2026 11:00:00 GMT', '1e3', '0x10', '1,2'])
    assert.equal(after('retry-after', value), 0, value)
})

test('an absurd time is cut before it breaks the arithmetic', () => {
  assert.equal(after('retry-after', '9'.repeat(300)), 400 * 86_400_000)
})

test('retry-after-ms is finer and goes first; where it is nonsense, Retry-After counts', () => {
  assert.equal(after('retry-after', '2', 'retry-after-ms', '120'), 120)
  assert.equal(after('retry-after', '2', 'retry-after-ms', 'x'), 2_000)
  assert.equal(after('retry-after', '1', 'x-ratelimit-reset-requests', '9s'), 1_000)
})

test('a used-up limit decides, the latest of several; without remainders told, any', () => {
  assert.equal(
    after(
      'x-ratelimit-remaining-requests',
      '59',
      'x-ratelimit-reset-requests',
      '17h0m0s',
      'x-ratelimit-remaining-tokens',
      '0',
      'x-ratelimit-reset-tokens',
      '120ms',
    ),
    120,
  )
  assert.equal(after('x-ratelimit-reset-requests', '1s', 'x-ratelimit-reset-tokens', '6m0s'), 360_000)
  assert.equal(after('x-ratelimit-reset', '30'), 30_000)
})

test('a request larger than what is left waits for the earliest reset', () => {
  assert.equal(
    after(
      'x-ratelimit-remaining-requests',
      '59',
      'x-ratelimit-reset-requests',
      '17h',
      'x-ratelimit-remaining-tokens',
      '10',
      'x-ratelimit-reset-tokens',
      '2s',
    ),
    2_000,
  )
})

test("Anthropic's resets are RFC 3339 times, its unified one epoch seconds", () => {
  const tokens = [
    'anthropic-ratelimit-tokens-remaining',
    '0',
    'anthropic-ratelimit-tokens-reset',
    '2026-03-01T12:00:42Z',
  ]
  assert.equal(
    after(
      ...tokens,
      'anthropic-ratelimit-requests-remaining',
      '49',
      'anthropic-ratelimit-requests-reset',
      '2026-03-01T12:59:00Z',
    ),
    42_000,
  )
  assert.equal(after('anthropic-ratelimit-unified-reset', String(nowMs / 1_000 + 90)), 90_000)
})

test('resets come as durations, seconds, epochs in both units, and dates', () => {
  const reset = (text: string): number => Math.round(parseReset(text, nowMs) - nowMs)
  assert.equal(reset('1s'), 1_000)
  assert.equal(reset('6m0s'), 360_000)
  assert.equal(reset('1h2m3.5s'), 3_723_500)
  assert.equal(reset('120ms'), 120)
  assert.equal(reset('7.66'), 7_660)
  assert.equal(reset(String(nowMs / 1_000 + 5)), 5_000)
  assert.equal(reset(String(nowMs + 5)), 5)
  assert.equal(reset('2026-03-01T12:00:01+00:00'), 1_000)
  assert.equal(Number.isNaN(parseReset('later', nowMs)), true)
})

test('a duration is whole or not one', () => {
  assert.equal(parseDurationMs('34.4s'), 34_400)
  for (const text of ['', 's', '1', '1s ', '-1s', '1y', `${'1s'.repeat(40)}`])
    assert.equal(parseDurationMs(text), null, text)
})

test('daily quotas reset at midnight in Los Angeles, over both changes of the clock', () => {
  const midnight = (from: string): string => new Date(nextPacificMidnight(Date.parse(from))).toISOString()
  assert.equal(midnight('2026-01-15T12:00:00Z'), '2026-01-16T08:00:00.000Z')
  assert.equal(midnight('2026-07-15T12:00:00Z'), '2026-07-16T07:00:00.000Z')
  assert.equal(midnight('2026-07-15T06:59:59Z'), '2026-07-15T07:00:00.000Z')
  assert.equal(midnight('2026-07-15T07:00:00Z'), '2026-07-16T07:00:00.000Z')
  assert.equal(midnight('2026-03-08T09:00:00Z'), '2026-03-09T07:00:00.000Z')
  assert.equal(midnight('2026-11-01T08:30:00Z'), '2026-11-02T08:00:00.000Z')
  assert.equal(midnight('2026-12-31T20:00:00Z'), '2027-01-01T08:00:00.000Z')
})
