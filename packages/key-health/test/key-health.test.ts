import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { errorClasses } from '@gpt-load/contracts/error-class'
import { keyStates } from '@gpt-load/contracts/key-state'
import type { KeyFacts } from '@gpt-load/contracts/key-state'
import type { KeyEvent } from '@gpt-load/contracts/key-event'
import { applyFailure } from '../src/apply-failure.ts'
import type { JudgedFailure } from '../src/apply-failure.ts'
import { applySuccess } from '../src/apply-success.ts'
import { dueAt, isUsable } from '../src/is-usable.ts'
import type { KeyPolicy } from '../src/key-policy.ts'
import { equalFacts, mergeFacts } from '../src/merge-facts.ts'
import { mergeKeyEvent } from '../src/merge-key-event.ts'
import { disableKey, enableKey, newKeyFacts, probeFailed, probeSucceeded, restoreKey } from '../src/operator-actions.ts'
import {
  addKeyToHash,
  createStateHash,
  formatStateHash,
  parseStateHash,
  removeKeyFromHash,
  stateHashNumber,
} from '../src/state-hash.ts'

const policy: KeyPolicy = {
  blacklistThreshold: 3,
  rateLimitCooldownMs: 30_000,
  quotaCooldownMs: 3_600_000,
  maxCooldownMs: 86_400_000,
}
const nowMs = 1_800_000_000_000

const facts = (generation?: number): fc.Arbitrary<KeyFacts> =>
  fc.record(
    {
      state: fc.constantFrom(...keyStates),
      until: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 1, max: 5 }).map((n) => nowMs + n * 1000),
      ),
      generation: generation === undefined ? fc.integer({ min: 0, max: 3 }) : fc.constant(generation),
      failures: fc.integer({ min: 0, max: 4 }),
    },
    { noNullPrototype: true },
  )
const failure = (changes: Partial<JudgedFailure> = {}): JudgedFailure => ({
  errorClass: 'key_auth',
  until: 0,
  deadlineSource: 'default',
  needsCorroboration: false,
  ...changes,
})
const judge = (before: KeyFacts, changes: Partial<JudgedFailure>, isCorroborated = false) =>
  applyFailure(before, failure(changes), { isCorroborated, policy, nowMs })

describe('merge', () => {
  test('is commutative, associative and idempotent within a generation', () => {
    fc.assert(
      fc.property(facts(1), facts(1), facts(1), (a, b, c) => {
        assert.deepEqual(mergeFacts(a, b), mergeFacts(b, a))
        assert.deepEqual(mergeFacts(mergeFacts(a, b), c), mergeFacts(a, mergeFacts(b, c)))
        assert.deepEqual(mergeFacts(a, a), a)
        assert.deepEqual(mergeFacts(mergeFacts(a, b), b), mergeFacts(a, b))
      }),
    )
  })
  test('a newer generation replaces the older whole', () => {
    fc.assert(
      fc.property(facts(1), facts(2), (older, newer) => {
        assert.deepEqual(mergeFacts(older, newer), newer)
        assert.deepEqual(mergeFacts(newer, older), newer)
      }),
    )
  })
})

describe('failures', () => {
  test('of the caller, the upstream and the network never change a key, in any number and order', () => {
    const harmless = errorClasses.filter((name) => ['client', 'upstream', 'network', 'client_abort'].includes(name))
    fc.assert(
      fc.property(
        facts(),
        fc.array(fc.constantFrom(...harmless), { maxLength: 50 }),
        fc.boolean(),
        (before, classes, isCorroborated) => {
          const after = classes.reduce(
            (state, errorClass) => judge(state, { errorClass, until: nowMs + 5 }, isCorroborated).facts,
            before,
          )
          assert.deepEqual(after, before)
        },
      ),
    )
  })
  test('a rate limit cools until the named time, else the default, never past the maximum', () => {
    assert.deepEqual(
      judge(newKeyFacts(), { errorClass: 'rate_limit', until: nowMs + 2_000, deadlineSource: 'retry_after' }).facts,
      { ...newKeyFacts(), state: 'cooling', until: nowMs + 2_000 },
    )
    assert.equal(judge(newKeyFacts(), { errorClass: 'rate_limit' }).facts.until, nowMs + 30_000)
    fc.assert(
      fc.property(
        facts(),
        fc.constantFrom('rate_limit', 'key_quota'),
        fc.integer({ min: 0, max: nowMs * 2 }),
        (before, errorClass, until) => {
          const after = judge(before, { errorClass, until }).facts
          assert.ok(after.until <= Math.max(before.until, nowMs + policy.maxCooldownMs))
        },
      ),
    )
  })
  test('missing quota exhausts', () => {
    assert.deepEqual(judge(newKeyFacts(), { errorClass: 'key_quota' }).facts, {
      ...newKeyFacts(),
      state: 'exhausted',
      until: nowMs + 3_600_000,
    })
  })
  test('a refusal makes suspect, the threshold of consecutive ones invalid', () => {
    const first = judge(newKeyFacts(), {})
    assert.deepEqual([first.facts.state, first.facts.failures, first.isCounted], ['suspect', 1, true])
    const third = judge(judge(first.facts, {}).facts, {})
    assert.equal(third.facts.state, 'invalid')
  })
  test('a refusal while another key succeeds on the same request is proof', () => {
    assert.equal(judge(newKeyFacts(), {}, true).facts.state, 'invalid')
  })
  test('threshold 0 never condemns', () => {
    const lenient = { isCorroborated: true, policy: { ...policy, blacklistThreshold: 0 }, nowMs }
    let state = newKeyFacts()
    for (let n = 0; n < 100; n += 1) state = applyFailure(state, failure(), lenient).facts
    assert.equal(state.state, 'suspect')
  })
  test('what needs corroboration counts nothing without it', () => {
    const outcome = judge(newKeyFacts(), { needsCorroboration: true })
    assert.deepEqual([outcome.facts.state, outcome.facts.failures, outcome.isCounted], ['suspect', 0, false])
    assert.equal(judge(newKeyFacts(), { errorClass: 'key_quota', needsCorroboration: true }).isChanged, false)
    assert.equal(
      judge(newKeyFacts(), { errorClass: 'key_quota', needsCorroboration: true }, true).facts.state,
      'exhausted',
    )
  })
  test('a success resets the counter and lifts suspicion, not a state that somebody else set', () => {
    assert.deepEqual(applySuccess({ ...newKeyFacts(), state: 'suspect', failures: 2 }, nowMs).facts, newKeyFacts())
    assert.equal(applySuccess({ ...newKeyFacts(), state: 'cooling', until: nowMs + 1 }, nowMs).isChanged, false)
    assert.equal(applySuccess({ ...newKeyFacts(), state: 'cooling', until: nowMs }, nowMs).facts.state, 'active')
    assert.equal(applySuccess({ ...newKeyFacts(), state: 'invalid' }, nowMs).isChanged, false)
  })
})

describe('people and probes', () => {
  test('disabled absorbs everything but a person', () => {
    fc.assert(
      fc.property(facts(), fc.constantFrom(...errorClasses), (before, errorClass) => {
        const disabled = disableKey(before, 0)
        assert.deepEqual(judge(disabled, { errorClass }, true).facts, disabled)
        assert.deepEqual(applySuccess(disabled, nowMs).facts, disabled)
        assert.deepEqual(restoreKey(disabled), disabled)
        assert.deepEqual(probeSucceeded(disabled), disabled)
        assert.deepEqual(probeFailed(disabled, { state: 'invalid', until: 0 }), disabled)
        assert.equal(enableKey(disabled).state, 'active')
        assert.ok(enableKey(disabled).generation > before.generation)
      }),
    )
  })
  test('every lift raises the generation', () => {
    const out = { ...newKeyFacts(), state: 'invalid' as const, failures: 3, generation: 4 }
    for (const lift of [restoreKey, probeSucceeded]) assert.deepEqual(lift(out), { ...newKeyFacts(), generation: 5 })
  })
  test('what is due is derived from the clock', () => {
    assert.ok(isUsable({ state: 'cooling', until: nowMs }, nowMs))
    assert.ok(!isUsable({ state: 'cooling', until: nowMs + 1 }, nowMs))
    assert.ok(!isUsable({ state: 'invalid', until: 0 }, nowMs))
    assert.ok(isUsable({ state: 'disabled', until: nowMs - 1 }, nowMs))
    assert.ok(!isUsable({ state: 'disabled', until: 0 }, nowMs))
    assert.equal(dueAt({ state: 'suspect', until: 0 }), null)
  })
})

describe('control plane', () => {
  const event = (changes: Partial<KeyEvent> = {}): KeyEvent => {
    const cause = { at: nowMs, class: 'key_auth' as const, status: 401 }
    return {
      key_id: 1,
      generation: 0,
      state: 'suspect',
      until: 0,
      failures: 1,
      succeeded: false,
      first_cause: cause,
      last_cause: cause,
      ...changes,
    }
  }
  test('the counter is the sum over the fleet and the threshold is judged on it', () => {
    let stored = newKeyFacts()
    for (let edge = 0; edge < 3; edge += 1) stored = mergeKeyEvent(stored, event(), policy).facts
    assert.deepEqual([stored.state, stored.failures], ['invalid', 3])
  })
  test('a report from before a restore changes nothing', () => {
    const restored = { ...newKeyFacts(), generation: 1 }
    assert.deepEqual(mergeKeyEvent(restored, event({ state: 'invalid', failures: 9 }), policy), {
      facts: restored,
      verdict: 'stale',
      isChanged: false,
    })
  })
  test('a success of a suspect key is a recovery with a new generation', () => {
    const stored = { ...newKeyFacts(), state: 'suspect' as const, failures: 2 }
    assert.deepEqual(mergeKeyEvent(stored, event({ state: 'active', failures: 0, succeeded: true }), policy).facts, {
      ...newKeyFacts(),
      generation: 1,
    })
  })
  test('a success does not lift what another edge has put out for a time', () => {
    const stored = { ...newKeyFacts(), state: 'cooling' as const, until: nowMs + 60_000 }
    const merged = mergeKeyEvent(stored, event({ state: 'active', failures: 0, succeeded: true }), policy).facts
    assert.deepEqual([merged.state, merged.generation], ['cooling', 0])
  })
  test('edges and control plane converge whatever the order, losses and repeats of messages', () => {
    const step = fc.record({
      edge: fc.integer({ min: 0, max: 2 }),
      what: fc.constantFrom('auth', 'rate', 'quota', 'client', 'post', 'pull', 'restore'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const fleet = simulateFleet(3)
        for (const { edge, what } of steps) fleet.step(edge, what)
        fleet.settle()
        for (const edge of fleet.edges)
          assert.ok(equalFacts(edge.facts, fleet.stored()), `${JSON.stringify(edge)} ${JSON.stringify(fleet.stored())}`)
      }),
      { numRuns: 500 },
    )
  })

  function simulateFleet(size: number) {
    let stored = newKeyFacts()
    const edges = Array.from({ length: size }, () => ({ facts: newKeyFacts(), pending: null as KeyEvent | null }))
    const classes = { auth: 'key_auth', rate: 'rate_limit', quota: 'key_quota', client: 'client' } as const
    const post = (edge: (typeof edges)[number]) => {
      if (edge.pending === null) return
      stored = mergeKeyEvent(stored, edge.pending, policy).facts
      edge.pending = null
    }
    const pull = (edge: (typeof edges)[number]) => {
      // Acknowledged counts are in the fleet's counter; only what is pending is the edge's own.
      const merged = mergeFacts(edge.facts, stored)
      edge.facts =
        edge.pending === null
          ? { ...merged, failures: merged.generation === stored.generation ? stored.failures : merged.failures }
          : merged
    }
    const fail = (edge: (typeof edges)[number], errorClass: (typeof classes)[keyof typeof classes]) => {
      const outcome = applyFailure(edge.facts, failure({ errorClass, until: nowMs + 1000 }), {
        isCorroborated: false,
        policy,
        nowMs,
      })
      if (!outcome.isChanged) return
      edge.facts = outcome.facts
      const { state, until, generation } = outcome.facts
      const before = edge.pending?.generation === generation ? edge.pending.failures : 0
      edge.pending = event({ state, until, generation, failures: before + (outcome.isCounted ? 1 : 0) })
    }
    return {
      edges,
      stored: () => stored,
      step(index: number, what: string): void {
        const edge = edges[index]!
        if (what === 'post') post(edge)
        else if (what === 'pull') pull(edge)
        else if (what === 'restore') stored = restoreKey(stored)
        else fail(edge, classes[what as keyof typeof classes])
      },
      settle(): void {
        for (const edge of edges) post(edge)
        for (const edge of edges) pull(edge)
      },
    }
  }
})

describe('state hash', () => {
  test('is a sum: order does not matter and removing undoes adding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), facts()), { minLength: 1, maxLength: 20 }),
        (keys) => {
          const [a, b] = [createStateHash(), createStateHash()]
          for (const [id, state] of keys) addKeyToHash(a, id, state)
          for (const [id, state] of keys.toReversed()) addKeyToHash(b, id, state)
          assert.equal(formatStateHash(a), formatStateHash(b))
          for (const [id, state] of keys) removeKeyFromHash(a, id, state)
          assert.equal(formatStateHash(a), '0000000000000000')
        },
      ),
    )
  })
  test('is text and a number for a metric, both of the same sum', () => {
    const sum = { high: 0xffe0_0001, low: 0xffff_fffe }
    assert.deepEqual(parseStateHash(formatStateHash(sum)), sum)
    assert.equal(stateHashNumber(sum), 2 ** 32 + 0xffff_fffe)
    assert.ok(Number.isSafeInteger(stateHashNumber({ high: 0xffff_ffff, low: 0xffff_ffff })))
  })
  test('differs when any stored fact differs', () => {
    const seen = new Set<string>()
    for (const state of keyStates)
      for (const until of [0, nowMs])
        for (const generation of [0, 1])
          for (const failures of [0, 1])
            for (const id of [1, 2]) {
              const sum = createStateHash()
              addKeyToHash(sum, id, { state, until, generation, failures })
              seen.add(formatStateHash(sum))
            }
    assert.equal(seen.size, keyStates.length * 16)
  })
})
