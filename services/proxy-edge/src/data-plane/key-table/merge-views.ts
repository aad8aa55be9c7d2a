// How two views of one key become one, by where the new one comes from (packages/key-health has the rules themselves).

import type { KeyFacts } from '@gpt-load/contracts/key-state'
import { applySuccess } from '@gpt-load/key-health/apply-success'
import { mergeFacts } from '@gpt-load/key-health/merge-facts'

/**
 * What this edge's own traffic says. Undefined: it acted on an older generation, nothing changes. A success lowers the
 * severity, so it is judged anew on what is in force now: a limit that another worker met meanwhile stays.
 */
export function mergeReport(current: KeyFacts, reported: KeyFacts, serverNow: number): KeyFacts | undefined {
  if (reported.generation < current.generation) return undefined
  const isSuccess = reported.state === 'active' && reported.failures === 0
  if (isSuccess && reported.generation === current.generation) return applySuccess(current, serverNow).facts
  return mergeFacts(current, reported)
}

/**
 * What the control plane says. Within a generation states merge, since it may not know yet what this edge has reported; the
 * counter is its own: it is fleet-wide and may go down (a success elsewhere).
 */
export function mergeFromControlPlane(current: KeyFacts, stored: KeyFacts): KeyFacts | undefined {
  if (stored.generation < current.generation) return undefined
  if (stored.generation > current.generation) return stored
  return { ...mergeFacts(current, stored), failures: stored.failures }
}
