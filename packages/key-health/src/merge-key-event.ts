import { severityOf } from '@gpt-load/contracts/key-state'
import type { KeyFacts } from '@gpt-load/contracts/key-state'
import type { KeyEvent } from '@gpt-load/contracts/key-event'
import type { KeyPolicy } from './key-policy.ts'
import { equalFacts, isTimed, mergeFacts } from './merge-facts.ts'

/**
 * The control plane's view of an edge's event. Same generation: merged, failures summed (the counter is fleet-wide) and the
 * threshold judged anew on the sum. Older: history only; it reports what was true before somebody restored the key. Newer
 * than stored can only come from before a restore of the database and is treated as stale too.
 */
export type EventVerdict = {
  facts: KeyFacts
  verdict: 'applied' | 'stale'
  /** The stored facts differ from before: write them and tell the edges. */
  isChanged: boolean
}

export function mergeKeyEvent(stored: KeyFacts, event: KeyEvent, policy: KeyPolicy): EventVerdict {
  if (event.generation !== stored.generation) return { facts: stored, verdict: 'stale', isChanged: false }
  const facts = stored.state === 'disabled' ? stored : mergeCurrent(stored, event, policy)
  return { facts, verdict: 'applied', isChanged: !equalFacts(stored, facts) }
}

function mergeCurrent(stored: KeyFacts, event: KeyEvent, policy: KeyPolicy): KeyFacts {
  const base = event.succeeded ? recover(stored, event) : stored
  // Only a person disables: an edge that says so is wrong, and says nothing else about the state.
  const state = event.state === 'disabled' ? 'active' : event.state
  const reported: KeyFacts = { state, until: event.until, generation: base.generation, failures: 0 }
  const merged = mergeFacts(base, reported)
  return condemn({ ...merged, failures: base.failures + event.failures }, policy)
}

/**
 * A success resets the counter. When the key was not active, going back is a *recovery* and raises the generation: within
 * one generation severity only rises, else the merge would depend on the order of reports. A key that another edge has put
 * out for a time or for good is left there: that edge may know more (severity above suspect and no newer success proves less).
 */
function recover(stored: KeyFacts, event: KeyEvent): KeyFacts {
  if (stored.state === 'active') return { ...stored, failures: 0 }
  const isLifted = stored.state === 'suspect' || (isTimed(stored) && stored.until <= event.last_cause.at)
  if (!isLifted) return { ...stored, failures: 0 }
  return { state: 'active', until: 0, generation: stored.generation + 1, failures: 0 }
}

function condemn(facts: KeyFacts, policy: KeyPolicy): KeyFacts {
  const reached = policy.blacklistThreshold > 0 && facts.failures >= policy.blacklistThreshold
  if (!reached || severityOf[facts.state] >= severityOf.invalid) return facts
  return { ...facts, state: 'invalid', until: 0 }
}
