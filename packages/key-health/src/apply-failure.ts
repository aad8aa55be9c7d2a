import type { DeadlineSource, ErrorClass } from '@gpt-load/contracts/error-class'
import type { KeyFacts } from '@gpt-load/contracts/key-state'
import { chooseDeadline } from './deadline.ts'
import type { KeyPolicy } from './key-policy.ts'
import { equalFacts, mergeFacts } from './merge-facts.ts'

/**
 * One failed attempt, judged. Faults of the caller, the upstream or the network never change a key, whatever their number:
 * ten thousand malformed requests cost zero keys.
 */
export type JudgedFailure = {
  errorClass: ErrorClass
  /** Epoch ms; 0 = the provider named none. */
  until: number
  deadlineSource: DeadlineSource
  /** The answer alone does not prove that the key is at fault. */
  needsCorroboration: boolean
}

export type FailureContext = {
  /** Another key succeeded on the same request. */
  isCorroborated: boolean
  policy: KeyPolicy
  nowMs: number
  /** From [0, 1), random: spreads the return of keys that were limited together. Default 0. */
  jitter?: number
}

export type FailureOutcome = {
  facts: KeyFacts
  /** The facts differ from before. */
  isChanged: boolean
  /** It counts against the key and is reported. */
  isCounted: boolean
  /** Where the deadline came from, when the state has one. */
  deadlineSource: DeadlineSource | null
}

export function applyFailure(facts: KeyFacts, failure: JudgedFailure, context: FailureContext): FailureOutcome {
  const unchanged: FailureOutcome = { facts, isChanged: false, isCounted: false, deadlineSource: null }
  if (facts.state === 'disabled') return unchanged
  if (failure.errorClass === 'key_auth') return refuse(facts, failure, context)
  if (failure.needsCorroboration && !context.isCorroborated) return unchanged
  if (failure.errorClass === 'rate_limit') return takeOut(facts, 'cooling', failure, context)
  if (failure.errorClass === 'key_quota') return takeOut(facts, 'exhausted', failure, context)
  return unchanged
}

function takeOut(
  facts: KeyFacts,
  state: 'cooling' | 'exhausted',
  failure: JudgedFailure,
  { policy, nowMs, jitter }: FailureContext,
): FailureOutcome {
  const { until, source } = chooseDeadline(
    { until: failure.until, source: failure.deadlineSource },
    state,
    policy,
    nowMs,
    jitter,
  )
  const next = mergeFacts(facts, { ...facts, state, until })
  return { facts: next, isChanged: !equalFacts(facts, next), isCounted: false, deadlineSource: source }
}

/**
 * Refused (401, 403). Another key's success on the same request proves it; else the threshold of consecutive refusals does.
 * Until then the key is suspect: used last, so that a wrong base URL does not burn a pool.
 */
function refuse(facts: KeyFacts, failure: JudgedFailure, { isCorroborated, policy }: FailureContext): FailureOutcome {
  if (failure.needsCorroboration && !isCorroborated) {
    const suspect = mergeFacts(facts, { ...facts, state: 'suspect', until: 0 })
    return { facts: suspect, isChanged: !equalFacts(facts, suspect), isCounted: false, deadlineSource: null }
  }
  const failures = facts.failures + 1
  const isCondemned = policy.blacklistThreshold > 0 && (isCorroborated || failures >= policy.blacklistThreshold)
  const next = mergeFacts(
    { ...facts, failures },
    { ...facts, failures, state: isCondemned ? 'invalid' : 'suspect', until: 0 },
  )
  return { facts: next, isChanged: true, isCounted: true, deadlineSource: null }
}
