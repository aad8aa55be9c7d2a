import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyEvent } from '@gpt-load/contracts/key-event'
import type { KeyFacts } from '@gpt-load/contracts/key-state'
import * as fc from 'fast-check'
import { applyFailure } from '../src/apply-failure.ts'
import { applySuccess } from '../src/apply-success.ts'
import { isUsable } from '../src/is-usable.ts'
import type { KeyPolicy } from '../src/key-policy.ts'
import { equalFacts, mergeFacts } from '../src/merge-facts.ts'
import { mergeKeyEvent } from '../src/merge-key-event.ts'
import { disableKey, enableKey, newKeyFacts, probeSucceeded, restoreKey } from '../src/operator-actions.ts'

/**
 * A fleet around one key, with time: edges use it whenever they may, posts are lost before or after they were applied
 * and sent again under their number, deltas arrive late but in the order of revisions.
 */
const policy: KeyPolicy = {
  blacklistThreshold: 3,
  rateLimitCooldownMs: 3_000,
  quotaCooldownMs: 8_000,
  maxCooldownMs: 20_000,
}
const startMs = 1_800_000_000_000
const actions = { restore: restoreKey, enable: enableKey, probe: probeSucceeded }

type Post = { number: number; event: KeyEvent }

class Edge {
  facts = newKeyFacts()
  pending: KeyEvent | null = null
  /** Sent, not acknowledged: repeated as it is until it is. */
  inFlight: Post | null = null
  posts = 0
  deltasSeen = 0

  note(facts: KeyFacts, counted: boolean, succeeded: boolean, nowMs: number): void {
    const cause = { at: nowMs, class: succeeded ? ('success' as const) : ('key_auth' as const) }
    const earlier = this.pending?.generation === facts.generation ? this.pending : null
    this.facts = facts
    this.pending = {
      key_id: 1,
      generation: facts.generation,
      state: facts.state,
      until: facts.until,
      failures: (succeeded ? 0 : (earlier?.failures ?? 0)) + (counted ? 1 : 0),
      succeeded: succeeded || (earlier?.succeeded ?? false),
      first_cause: earlier?.first_cause ?? cause,
      last_cause: cause,
    }
  }
}

class Fleet {
  nowMs = startMs
  stored = newKeyFacts()
  readonly deltas: KeyFacts[] = []
  readonly edges = [new Edge(), new Edge(), new Edge()]
  readonly #applied = new Map<Edge, number>()

  store(facts: KeyFacts): void {
    if (equalFacts(facts, this.stored)) return
    this.stored = facts
    this.deltas.push(facts)
  }

  fail(edge: Edge, errorClass: 'key_auth' | 'rate_limit' | 'key_quota', isCorroborated: boolean): void {
    if (!isUsable(edge.facts, this.nowMs)) return
    const failure = { errorClass, until: 0, deadlineSource: 'default' as const, needsCorroboration: false }
    const outcome = applyFailure(edge.facts, failure, { isCorroborated, policy, nowMs: this.nowMs })
    if (outcome.isChanged) edge.note(outcome.facts, outcome.isCounted, false, this.nowMs)
  }

  succeed(edge: Edge): void {
    const outcome = applySuccess(edge.facts, this.nowMs)
    if (outcome.isChanged) edge.note(outcome.facts, false, true, this.nowMs)
  }

  /** @param isLost whether the acknowledgement gets lost */
  post(edge: Edge, isLost: boolean): void {
    if (edge.inFlight === null && edge.pending !== null) {
      edge.inFlight = { number: ++edge.posts, event: edge.pending }
      edge.pending = null
    }
    if (edge.inFlight === null) return
    const { number, event } = edge.inFlight
    if (this.#applied.get(edge) !== number) this.store(mergeKeyEvent(this.stored, event, policy).facts)
    this.#applied.set(edge, number)
    if (!isLost) edge.inFlight = null
  }

  pull(edge: Edge): void {
    const delta = this.deltas[edge.deltasSeen]
    if (delta === undefined) return
    edge.deltasSeen++
    const isSame = delta.generation === edge.facts.generation
    edge.facts = { ...mergeFacts(edge.facts, delta), ...(isSame ? { failures: delta.failures } : {}) }
  }

  settle(): void {
    for (const edge of this.edges) for (let times = 0; times < 2; times++) this.post(edge, false)
    for (const edge of this.edges) for (let times = this.deltas.length; times > 0; times--) this.pull(edge)
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('auth', 'rate', 'quota', 'success', 'post', 'lost', 'pull'),
      edge: fc.nat(2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constantFrom('proof', 'restore', 'enable', 'probe', 'disable'), edge: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('wait'), edge: fc.integer({ min: 1, max: 6_000 }) }) },
)

function take(fleet: Fleet, what: string, number: number): void {
  const edge = fleet.edges[number % 3]!
  if (what === 'auth' || what === 'proof') fleet.fail(edge, 'key_auth', what === 'proof')
  else if (what === 'rate') fleet.fail(edge, 'rate_limit', false)
  else if (what === 'quota') fleet.fail(edge, 'key_quota', false)
  else if (what === 'success') fleet.succeed(edge)
  else if (what === 'post' || what === 'lost') fleet.post(edge, what === 'lost')
  else if (what === 'pull') fleet.pull(edge)
  else if (what === 'wait') fleet.nowMs += number
  else if (what === 'disable') fleet.store(disableKey(fleet.stored, 0))
  else fleet.store(actions[what as keyof typeof actions](fleet.stored))
}

test('with successes, time, lost acknowledgements and late deltas, all edges end with the stored facts', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const fleet = new Fleet()
      for (const { what, edge } of steps) take(fleet, what, edge)
      fleet.settle()
      for (const edge of fleet.edges) assert.deepEqual(edge.facts, fleet.stored)
    }),
    { numRuns: 5_000 },
  )
})

test('no deadline ever lies past the maximum, and a key that is out by time returns by time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const fleet = new Fleet()
      for (const { what, edge } of steps) {
        take(fleet, what, edge)
        for (const { facts } of [...fleet.edges, { facts: fleet.stored }])
          assert.equal(facts.until <= fleet.nowMs + policy.maxCooldownMs, true)
      }
      const later = fleet.nowMs + policy.maxCooldownMs
      for (const { facts } of fleet.edges)
        assert.equal(isUsable(facts, later), facts.state !== 'invalid' && facts.state !== 'disabled')
    }),
  )
})

test('a key whose quota reset has passed cools when it is then rate limited, on the edge and in the control plane', () => {
  const fleet = new Fleet()
  const [edge, other] = fleet.edges as [Edge, Edge]
  fleet.fail(edge, 'key_quota', false)
  fleet.post(edge, false)
  fleet.nowMs += policy.quotaCooldownMs
  fleet.fail(edge, 'rate_limit', false)
  assert.equal(isUsable(edge.facts, fleet.nowMs), false)
  fleet.fail(other, 'rate_limit', false)
  fleet.post(other, false)
  assert.equal(isUsable(fleet.stored, fleet.nowMs), false)
  assert.equal(isUsable(fleet.stored, fleet.nowMs + policy.rateLimitCooldownMs), true)
})

test('a success after the deadline lifts the key also when its report began with the failure before it', () => {
  const fleet = new Fleet()
  const [edge, other] = fleet.edges as [Edge, Edge]
  fleet.fail(other, 'rate_limit', false)
  fleet.post(other, false)
  fleet.fail(edge, 'rate_limit', false)
  fleet.nowMs += policy.rateLimitCooldownMs
  fleet.succeed(edge)
  fleet.post(edge, false)
  assert.deepEqual(fleet.stored, { ...newKeyFacts(), generation: 1 })
})

test('an edge cannot disable a key', () => {
  const cause = { at: startMs, class: 'operator' as const }
  const event: KeyEvent = {
    key_id: 1,
    generation: 0,
    state: 'disabled',
    until: 0,
    failures: 0,
    succeeded: false,
    first_cause: cause,
    last_cause: cause,
  }
  assert.deepEqual(mergeKeyEvent(newKeyFacts(), event, policy).facts, newKeyFacts())
})

test('jitter spreads the return over a tenth of the wait, never past the maximum', () => {
  const failure = {
    errorClass: 'rate_limit',
    until: startMs + 2_000,
    deadlineSource: 'retry_after',
    needsCorroboration: false,
  } as const
  const until = (jitter: number, named = startMs + 2_000): number =>
    applyFailure(newKeyFacts(), { ...failure, until: named }, { isCorroborated: false, policy, nowMs: startMs, jitter })
      .facts.until - startMs
  assert.deepEqual([until(0), until(0.5), until(0.999)], [2_000, 2_100, 2_199])
  assert.equal(until(0.999, startMs + 19_999), 20_000)
})
