import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  combineWindows,
  forecastCapacity,
  resetSlotOf,
  spanOf,
  type CapacityInput,
  type QuotaWindow,
} from '../src/capacity.ts'

const nowMs = Date.parse('2026-03-01T14:00:00Z')
const at = (time: string) => Date.parse(`2026-03-01T${time}Z`)
const minutes = (count: number) => count * 60_000

/** Ten keys of 100 requests an hour, 40 left each; all windows end in the last quarter of the hour. */
const hourly: QuotaWindow = { kind: 'requests', span: 'hour', keys: 10, left: 400, most: 100, resets: [0, 0, 0, 10] }

const input = (more: Partial<CapacityInput> = {}): CapacityInput => ({
  nowMs,
  usableKeys: 10,
  returns: [],
  requestsPerMinute: 20,
  tokensPerMinute: 5_000,
  windows: [hourly],
  ...more,
})

describe('capacity of a pool', () => {
  test('runs dry when what is left is burnt before the windows end; keys for the rest of the time are missing', () => {
    // 400 left at 20 a minute: 20 minutes, till 14:20; from then to 15:00 800 requests, 8 keys of 100.
    const { runsDryAtMs, reliefAtMs, keysNeeded, limitedBy, requestsHeadroom } = forecastCapacity(input())
    assert.deepEqual([runsDryAtMs, reliefAtMs, keysNeeded, limitedBy], [at('14:20:00'), at('15:00:00'), 8, 'requests'])
    assert.equal(requestsHeadroom, 0)
  })

  test('lasts when windows that end in time fill it again', () => {
    // 100 in the first quarter are there before the 400 are gone, and so on: 1,000 an hour against 900.
    const even = { ...hourly, resets: [2.5, 2.5, 2.5, 2.5] }
    const lasting = forecastCapacity(input({ requestsPerMinute: 15, windows: [even] }))
    assert.equal(lasting.runsDryAtMs, null)
    // Steady: 10 keys x 100 an hour are 16.7 a minute; until the mean end (37.5 min) 400 are 10.7.
    assert.equal(lasting.requestsHeadroom, 0)
    assert.equal(forecastCapacity(input({ requestsPerMinute: 4, windows: [even] })).requestsHeadroom, 6)
    // 18 a minute are more than an hour gives, however it begins.
    assert.notEqual(forecastCapacity(input({ requestsPerMinute: 18, windows: [even] })).runsDryAtMs, null)
  })

  test('a key that returns is relief, and comes full', () => {
    const soon = { atMs: at('14:30:00'), keys: 2 }
    const { runsDryAtMs, reliefAtMs, keysNeeded } = forecastCapacity(input({ returns: [soon] }))
    assert.deepEqual([runsDryAtMs, reliefAtMs, keysNeeded], [at('14:20:00'), at('14:30:00'), 2])
    // Before it ran dry: 200 more, so that it lasts till 14:30.
    const early = forecastCapacity(input({ returns: [{ atMs: at('14:10:00'), keys: 2 }] }))
    assert.deepEqual([early.runsDryAtMs, early.reliefAtMs], [at('14:30:00'), at('15:00:00')])
  })

  test('keys of which nothing is known count as those that are known', () => {
    const { runsDryAtMs } = forecastCapacity(input({ usableKeys: 20 }))
    assert.equal(runsDryAtMs, at('14:40:00'))
  })

  test('the tightest of several limits decides; tokens are one of them', () => {
    const tokens: QuotaWindow = {
      kind: 'tokens',
      span: 'minute',
      keys: 10,
      left: 2_500,
      most: 1_000,
      resets: [0, 0, 0, 10],
    }
    const found = forecastCapacity(input({ windows: [hourly, tokens] }))
    assert.deepEqual(
      [found.runsDryAtMs, found.reliefAtMs, found.limitedBy, found.keysNeeded],
      [nowMs + 30_000, nowMs + 60_000, 'tokens', 3],
    )
  })

  test('a window of a minute that is refilled each minute never runs dry, at whatever time of it one looks', () => {
    const perMinute = (left: number, resets: number[]): QuotaWindow => ({
      kind: 'requests',
      span: 'minute',
      keys: 10,
      left,
      most: 60,
      resets,
    })
    for (const window of [
      perMinute(600, [0, 0, 0, 10]),
      perMinute(300, [0, 10, 0, 0]),
      perMinute(150, [10, 0, 0, 0]),
    ]) {
      const { runsDryAtMs, requestsHeadroom } = forecastCapacity(input({ requestsPerMinute: 300, windows: [window] }))
      assert.deepEqual([runsDryAtMs, requestsHeadroom], [null, 300])
    }
  })

  test('nothing learnt: no limit is assumed; no usable key: dry now, whatever is learnt', () => {
    const unknown = forecastCapacity(input({ windows: [] }))
    assert.deepEqual(unknown, {
      requestsHeadroom: null,
      tokensHeadroom: null,
      limitedBy: null,
      runsDryAtMs: null,
      reliefAtMs: null,
      keysNeeded: 0,
    })
    const returns = [
      { atMs: nowMs + minutes(9), keys: 1 },
      { atMs: nowMs + minutes(5), keys: 1 },
    ]
    const empty = forecastCapacity(input({ usableKeys: 0, windows: [], returns }))
    assert.deepEqual(
      [empty.runsDryAtMs, empty.reliefAtMs, empty.keysNeeded, empty.limitedBy],
      [nowMs, nowMs + minutes(5), 1, 'keys'],
    )
    assert.equal(forecastCapacity(input({ requestsPerMinute: null })).runsDryAtMs, null)
  })

  test('two edges that know the same keys do not make twice as many', () => {
    const other: QuotaWindow = { ...hourly, keys: 8, left: 240, most: 90, resets: [0, 0, 4, 4] }
    const [combined] = combineWindows([[hourly], [other]])
    assert.equal(combined?.keys, 10)
    assert.equal(Math.round(combined?.left ?? 0), Math.round((640 / 18) * 10))
    assert.equal(combined?.most, 100)
    assert.equal(Math.round((combined?.resets ?? []).reduce((sum, keys) => sum + keys, 0)), 10)
  })

  test('windows fall into a class by the time that is left, and into a quarter of it', () => {
    assert.deepEqual([1_000, 60_000, 60_001, 3_600_001, 99 * 86_400_000].map(spanOf), [
      'minute',
      'minute',
      'hour',
      'day',
      'day',
    ])
    assert.deepEqual(
      [0, 14_999, 15_000, 60_000].map((ms) => resetSlotOf('minute', ms)),
      [0, 0, 1, 3],
    )
  })
})
