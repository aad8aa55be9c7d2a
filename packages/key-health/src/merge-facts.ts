import { severityOf } from '@gpt-load/contracts/key-state'
import type { KeyFacts } from '@gpt-load/contracts/key-state'

/**
 * Merges two views of one key. A newer generation replaces the older whole. Within a generation the merge is commutative,
 * associative and idempotent (tested): the severer state wins and keeps its deadline, equal states take the later deadline,
 * failures the larger count. So it does not matter in which order edges and control plane hear of each other.
 */
export function mergeFacts(a: KeyFacts, b: KeyFacts): KeyFacts {
  if (a.generation !== b.generation) return a.generation > b.generation ? a : b
  const failures = Math.max(a.failures, b.failures)
  const difference = severityOf[a.state] - severityOf[b.state]
  if (difference !== 0) return { ...(difference > 0 ? a : b), failures }
  return { ...a, until: laterDeadline(a, b), failures }
}

/** 0 means no deadline: for good where the state is not one of time. */
function laterDeadline(a: KeyFacts, b: KeyFacts): number {
  if (a.state === 'disabled' && (a.until === 0 || b.until === 0)) return 0
  return Math.max(a.until, b.until)
}

export function equalFacts(a: KeyFacts, b: KeyFacts): boolean {
  return a.state === b.state && a.until === b.until && a.generation === b.generation && a.failures === b.failures
}
