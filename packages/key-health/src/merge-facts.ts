import { severityOf } from '@gpt-load/contracts/key-state'
import type { KeyFacts } from '@gpt-load/contracts/key-state'

/**
 * Merges two views of one key. A newer generation replaces the older whole. Within a generation the merge is commutative,
 * associative and idempotent (tested): the severer state wins, with the latest deadline of all states that have one, and
 * the larger count. So it does not matter in which order edges and control plane hear of each other, and a key whose quota
 * reset has passed still cools when it is then rate limited.
 */
export function mergeFacts(a: KeyFacts, b: KeyFacts): KeyFacts {
  if (a.generation !== b.generation) return a.generation > b.generation ? a : b
  const failures = Math.max(a.failures, b.failures)
  const difference = severityOf[a.state] - severityOf[b.state]
  const winner = difference >= 0 ? a : b
  if (isTimed(a) && isTimed(b)) return { ...winner, until: Math.max(a.until, b.until), failures }
  return difference === 0 ? { ...a, until: laterDeadline(a, b), failures } : { ...winner, failures }
}

/** States that end by themselves. */
export function isTimed({ state }: KeyFacts): boolean {
  return state === 'cooling' || state === 'exhausted'
}

/** 0 means no deadline: for good where the state is not one of time. */
function laterDeadline(a: KeyFacts, b: KeyFacts): number {
  if (a.state === 'disabled' && (a.until === 0 || b.until === 0)) return 0
  return Math.max(a.until, b.until)
}

export function equalFacts(a: KeyFacts, b: KeyFacts): boolean {
  return a.state === b.state && a.until === b.until && a.generation === b.generation && a.failures === b.failures
}
