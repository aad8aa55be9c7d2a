import type { KeyFacts } from '@gpt-load/contracts/key-state'
import { isUsable } from './is-usable.ts'

/**
 * A request succeeded with this key. The counter is reset; a suspect key, and one whose deadline has passed, is active again.
 * Within the generation this lowers the severity, which only the edge's own view may do at once: the control plane answers
 * the report with a new generation (merge-key-event.ts). A key that someone took out meanwhile stays out.
 */
export function applySuccess(facts: KeyFacts, nowMs: number): { facts: KeyFacts; isChanged: boolean } {
  if (facts.state === 'active' && facts.failures === 0) return { facts, isChanged: false }
  const returns = facts.state !== 'disabled' && facts.state !== 'invalid' && isUsable(facts, nowMs)
  if (facts.state === 'active' || returns)
    return { facts: { ...facts, state: 'active', until: 0, failures: 0 }, isChanged: true }
  return { facts, isChanged: false }
}
