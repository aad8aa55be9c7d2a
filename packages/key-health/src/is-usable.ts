import type { KeyFacts } from '@gpt-load/contracts/key-state'

/** States are stored facts; what is due is derived from the clock, so nobody has to write when a deadline passes. */
export function isUsable(facts: Pick<KeyFacts, 'state' | 'until'>, nowMs: number): boolean {
  if (facts.state === 'active' || facts.state === 'suspect') return true
  const due = dueAt(facts)
  return due !== null && due <= nowMs
}

/** When the key returns by itself, epoch ms; null = never by time (invalid, disabled for good) or usable anyway. */
export function dueAt({ state, until }: Pick<KeyFacts, 'state' | 'until'>): number | null {
  if (state === 'cooling' || state === 'exhausted') return until
  return state === 'disabled' && until > 0 ? until : null
}
