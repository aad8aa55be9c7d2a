import type { KeyFacts } from '@gpt-load/contracts/key-state'
import { mergeFacts } from './merge-facts.ts'

/**
 * What people and probes do. Each raises the generation: it replaces what edges know, whole, and makes reports that were
 * under way stale. A person's disable wins over all: only a person's enable (or its own date) lifts it.
 */
export function newKeyFacts(): KeyFacts {
  return { state: 'active', until: 0, generation: 0, failures: 0 }
}

/** Back to active, whatever was learnt; a disabled key stays disabled. */
export function restoreKey(facts: KeyFacts): KeyFacts {
  return facts.state === 'disabled' ? facts : fresh(facts)
}

export function enableKey(facts: KeyFacts): KeyFacts {
  return facts.state === 'disabled' ? fresh(facts) : facts
}

/** `until` epoch ms; 0 = until somebody enables it. */
export function disableKey(facts: KeyFacts, until: number): KeyFacts {
  return { state: 'disabled', until, generation: facts.generation + 1, failures: 0 }
}

export function isDisabledUntil(facts: KeyFacts, until: number): boolean {
  return facts.state === 'disabled' && facts.until === until
}

/** The secret was replaced: nothing learnt about the old one holds. */
export function changeKeyValue(facts: KeyFacts): KeyFacts {
  return facts.state === 'disabled' ? { ...facts, generation: facts.generation + 1 } : fresh(facts)
}

export function probeSucceeded(facts: KeyFacts): KeyFacts {
  return facts.state === 'disabled' ? facts : fresh(facts)
}

/** A probe that was refused condemns; rate limits and missing quota take the key out for a time, never for good. */
export function probeFailed(
  facts: KeyFacts,
  outcome: { state: 'cooling' | 'exhausted' | 'invalid'; until: number },
): KeyFacts {
  if (facts.state === 'disabled') return facts
  const { generation, failures } = facts
  return mergeFacts(facts, { ...outcome, generation, failures })
}

const fresh = (facts: KeyFacts): KeyFacts => ({
  state: 'active',
  until: 0,
  generation: facts.generation + 1,
  failures: 0,
})
