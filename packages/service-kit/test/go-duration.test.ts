import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatGoDuration, parseDuration } from '../src/go-duration.ts'

test('prints whole seconds as Go does', () => {
  const expected = {
    0: '0s',
    999: '0s',
    59_999: '59s',
    60_000: '1m0s',
    3_600_000: '1h0m0s',
    3_723_000: '1h2m3s',
    93_784_000: '26h3m4s',
  }
  for (const [durationMs, text] of Object.entries(expected)) assert.equal(formatGoDuration(Number(durationMs)), text)
})

test('reads combined, fractional and bare durations', () => {
  const expected = {
    '90': 90_000,
    '90s': 90_000,
    '1m30s': 90_000,
    '1.5m': 90_000,
    '250ms': 250,
    '0': 0,
    '1h1ms': 3_600_001,
    '7d': 604_800_000,
  }
  for (const [text, value] of Object.entries(expected)) assert.deepEqual(parseDuration(text, 's'), { ok: true, value })
  assert.deepEqual(parseDuration('90', 'ms'), { ok: true, value: 90 })
})

test('refuses what is no duration', () => {
  for (const text of ['', '-1s', '1 s', 's', '1x', '1s!', 'PT1S', '1e3s'])
    assert.equal(parseDuration(text, 's').ok, false, text)
})

test('property: what is printed reads back as the same number of seconds', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), (seconds) => {
      const read = parseDuration(formatGoDuration(seconds * 1_000), 'ms')
      return read.ok && read.value === seconds * 1_000
    }),
  )
})
