import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AccessKeyLimits } from '@gpt-load/contracts/access-key-limits'
import { defaultSettings, type Settings } from '@gpt-load/contracts/settings'
import fc from 'fast-check'
import { compileAccessKeyCaps, compileGroupCaps } from '../../src/data-plane/caller-limits/caller-caps.ts'
import { CallerLimits } from '../../src/data-plane/caller-limits/caller-limits.ts'
import {
  accessKeyRow,
  CallerMemory,
  callerMemoryBytes,
  groupRow,
  maxLimitedAccessKeys,
} from '../../src/data-plane/caller-limits/caller-memory.ts'
import type { AccessKey } from '../../src/data-plane/plan/access-key-index.ts'
import type { GroupPlan } from '../../src/data-plane/plan/group-plan.ts'
import { openRequestsBytes, releaseDead, RequestGate } from '../../src/data-plane/request-gate.ts'

const minuteMs = 60_000
const startMs = 100 * minuteMs + 20_000

/** What workers of one edge share, each with its own view. */
function openWorkers(count: number) {
  const buffer = new SharedArrayBuffer(callerMemoryBytes)
  const openRequests = new SharedArrayBuffer(openRequestsBytes)
  const clock = { nowMs: startMs, serverNowMs: () => clock.nowMs }
  const workers = Array.from({ length: count }, () => {
    const ownRequests = new SharedArrayBuffer(openRequestsBytes)
    const gate = new RequestGate({ openRequests, ownRequests, maxRequests: 0 })
    return { ownRequests, limits: new CallerLimits({ memory: new CallerMemory(buffer), gate, clock }) }
  })
  return { memory: new CallerMemory(buffer), openRequests, workers, clock }
}

function open() {
  const { memory, workers, clock } = openWorkers(1)
  return { memory, clock, limits: workers[0]!.limits }
}

const keyOf = (limits: Partial<AccessKeyLimits>, limitNumber = 0) =>
  ({ caps: compileAccessKeyCaps(limits), limitNumber }) as unknown as AccessKey
const groupOf = (settings: Partial<Settings> = {}, number = 0) =>
  ({ number, callerCaps: compileGroupCaps({ ...defaultSettings, ...settings }) }) as unknown as GroupPlan
const free = keyOf({}, -1)

suite('limits of callers', () => {
  test('who has none is not counted', () => {
    const { memory, limits } = open()
    for (let turn = 0; turn < 1_000; turn += 1) assert.equal(limits.enter(free, groupOf()), null)
    limits.leave(free)
    limits.spend(free, groupOf(), 1_000_000)
    assert.deepEqual([memory.arrivals[groupRow(0)], memory.minuteTokens[groupRow(0)]], [0, 0])
  })

  test('requests in a minute, over all workers; what is refused says which limit and when there is room', () => {
    const { workers } = openWorkers(3)
    const key = keyOf({ max_requests_per_minute: 5 }, maxLimitedAccessKeys - 1)
    const entered = Array.from({ length: 9 }, (_, turn) => workers[turn % 3]!.limits.enter(key, groupOf()))
    assert.equal(entered.filter((reached) => reached === null).length, 5)
    // Forty seconds of the clock minute are left, and then the five slide out one by one: twelve seconds each.
    const expected = { of: 'access key', name: 'max_requests_per_minute', most: 5, retryAfterSeconds: 52 }
    assert.deepEqual(entered.at(-1), expected)
  })

  test('a worker that is late at the turn of a minute takes nothing back', () => {
    const { memory, clock, workers } = openWorkers(2)
    const [one, late] = workers.map(({ limits }) => limits) as [CallerLimits, CallerLimits]
    const key = keyOf({ max_requests_per_minute: 5, max_tokens_per_minute: 1_000 })
    for (let turn = 0; turn < 5; turn += 1) assert.equal(one.enter(key, groupOf()), null)
    const turnMs = 101 * minuteMs
    const inTurn = [turnMs, turnMs - 1, turnMs, turnMs - 1].map((atMs, index) => {
      clock.nowMs = atMs
      ;(index % 2 === 0 ? one : late).spend(key, groupOf(), 1)
      return (index % 2 === 0 ? one : late).enter(key, groupOf())?.name ?? 'entered'
    })
    assert.deepEqual(
      inTurn,
      Array.from({ length: 4 }, () => 'max_requests_per_minute'),
    )
    assert.deepEqual([memory.requestsBefore[accessKeyRow(0)], memory.minuteTokens[accessKeyRow(0)]], [5, 4])
  })

  test('a clock that was set back by more begins anew: nobody waits for it to come round', () => {
    const { clock, limits } = open()
    const key = keyOf({ max_requests_per_minute: 1 })
    assert.equal(limits.enter(key, groupOf()), null)
    clock.nowMs -= 60 * minuteMs
    assert.equal(limits.enter(key, groupOf()), null)
    assert.notEqual(limits.enter(key, groupOf()), null)
  })

  test('when it is told to come back, a request is let in', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: 0, max: 60 })), { maxLength: 12 }),
        (most, bursts) => {
          const { clock, limits } = open()
          const key = keyOf({ max_requests_per_minute: most })
          for (const [pauseMs, requests] of bursts) {
            clock.nowMs += pauseMs
            for (let turn = 0; turn < requests; turn += 1) {
              const reached = limits.enter(key, groupOf())
              if (reached === null) continue
              assert.ok(reached.retryAfterSeconds <= 120, `${reached.retryAfterSeconds} s`)
              clock.nowMs += reached.retryAfterSeconds * 1_000
              assert.equal(limits.enter(key, groupOf()), null)
            }
          }
        },
      ),
    )
  })

  test('tokens count when they are known; while they are used up nobody enters', () => {
    const { clock, limits } = open()
    const key = keyOf({ max_tokens_per_minute: 100 })
    assert.equal(limits.enter(key, groupOf()), null)
    limits.spend(key, groupOf(), 99)
    assert.equal(limits.enter(key, groupOf()), null)
    limits.spend(key, groupOf(), 1)
    assert.equal(limits.enter(key, groupOf())?.name, 'max_tokens_per_minute')
    clock.nowMs += 2 * minuteMs
    assert.equal(limits.enter(key, groupOf()), null)
  })

  test('requests at once: room comes with the end of one, and of a worker that dies', () => {
    const { openRequests, workers } = openWorkers(2)
    const [one, two] = workers.map(({ limits }) => limits) as [CallerLimits, CallerLimits]
    const key = keyOf({ max_concurrent_requests: 2 })
    assert.deepEqual([one.enter(key, groupOf()), two.enter(key, groupOf())], [null, null])
    assert.equal(one.enter(key, groupOf())?.name, 'max_concurrent_requests')
    one.leave(key)
    assert.equal(two.enter(key, groupOf()), null)
    releaseDead(openRequests, workers[1]!.ownRequests)
    assert.deepEqual([one.enter(key, groupOf()), one.enter(key, groupOf())], [null, null])
    assert.notEqual(one.enter(key, groupOf()), null)
  })

  test('who is refused by one limit has taken nothing of the others', () => {
    const { memory, limits } = open()
    const group = groupOf({ max_requests_per_minute: 3 })
    const [a, b] = [keyOf({ max_requests_per_minute: 10, max_concurrent_requests: 1 }, 0), keyOf({}, -1)]
    assert.equal(limits.enter(a, group), null)
    assert.equal(limits.enter(a, group)?.name, 'max_concurrent_requests')
    assert.deepEqual([limits.enter(b, group), limits.enter(b, group)], [null, null])
    limits.leave(a)
    assert.equal(limits.enter(a, group)?.of, 'group')
    assert.deepEqual([memory.minuteRequests[accessKeyRow(0)], memory.minuteRequests[groupRow(0)]], [1, 3])
    assert.equal(memory.arrivals[accessKeyRow(0)], 3, 'but it has asked')
  })

  test('an edge keeps its share: equal ones until it is told others, one request at least', () => {
    const { memory, limits } = open()
    const key = keyOf({ max_requests_per_minute: 10 })
    const enterAll = () => {
      let count = 0
      while (limits.enter(key, groupOf()) === null) count += 1
      return count
    }
    memory.setLiveEdges(4)
    assert.equal(enterAll(), 2)
    memory.setShare(accessKeyRow(0), 0.7)
    assert.equal(enterAll(), 5)
    memory.setShare(accessKeyRow(0), 0)
    memory.setLiveEdges(1)
    assert.equal(enterAll(), 3)
    memory.forget(accessKeyRow(0))
    memory.setLiveEdges(100)
    assert.equal(enterAll(), 1)
  })
})
