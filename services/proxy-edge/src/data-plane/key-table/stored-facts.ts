// Stored facts of a slot, and where they put the key. What is due is derived from the clock: a key whose `until` has passed
// is usable although its column still says `cooling` for a moment. All times in the columns are the server's clock.

import { keyStates, severityOf, type KeyFacts } from '@gpt-load/contracts/key-state'
import { control, type SharedColumns } from './shared-columns.ts'
import { membership, type Membership } from './usable-set.ts'

/** A reader meets a change of a few nanoseconds; more rounds mean that a writer died in it. */
const maxReadAttempts = 16

export function serverNowMs(columns: SharedColumns, edgeNowMs: number): number {
  return edgeNowMs - (columns.control[control.clockSkewMs] as number)
}

/** Without a lock: reads again when the slot changed meanwhile. */
export function readFacts(columns: SharedColumns, slot: number): KeyFacts {
  for (let attempt = 0; ; attempt += 1) {
    const stamp = Atomics.load(columns.stamp, slot)
    const facts = factsOf(columns, slot)
    const isWhole = (stamp & 1) === 0 && Atomics.load(columns.stamp, slot) === stamp
    if (isWhole || attempt === maxReadAttempts) return facts
  }
}

/** Under the lock. */
export function factsOf(columns: SharedColumns, slot: number): KeyFacts {
  return {
    state: keyStates[columns.state[slot] as number] ?? 'active',
    until: columns.until[slot] as number,
    generation: columns.generation[slot] as number,
    failures: columns.failures[slot] as number,
  }
}

/** Where facts put a key at `serverNow`: key-health/is-usable over the column's numbers. */
export function membershipOf(state: number, until: number, serverNow: number): Membership {
  if (state === severityOf.active) return membership.active
  if (state === severityOf.suspect) return membership.suspect
  return isTimed(state, until) && until <= serverNow ? membership.active : membership.out
}

/** Out, with a deadline at which it returns by itself. */
export function isOutForATime(state: number, until: number, serverNow: number): boolean {
  return isTimed(state, until) && until > serverNow
}

/** Has a deadline, passed or not. */
export function isTimed(state: number, until: number): boolean {
  if (state === severityOf.cooling || state === severityOf.exhausted) return true
  return state === severityOf.disabled && until > 0
}

/**
 * Facts whose deadline has passed, as they are stored from then on: here, and by the control plane's sweeper too. So the
 * state hash is the same on both sides without anybody telling the other.
 */
export function withoutDue(facts: KeyFacts, serverNow: number): KeyFacts {
  const isDue = isTimed(severityOf[facts.state], facts.until) && facts.until <= serverNow
  return isDue ? { ...facts, state: 'active', until: 0 } : facts
}
