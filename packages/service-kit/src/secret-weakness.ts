import type { SecretWeakness } from '@gpt-load/contracts/api/system'

/**
 * Whether a secret looks as if a person had thought of it. A hint for administrators, not a gate: `openssl rand -hex 32` passes,
 * what stands in examples does not.
 */
const wellKnown =
  /change[-_ ]?me|passw(or)?d|p[a@]ssw0rd|secret|example|default|your[-_ ]|admin|test|demo|qwert|letmein|gpt-?load|0?123456/i
/** 128 bits as hexadecimal digits are 32. */
const minLength = 24
const minDifferent = 8

export function secretWeakness(secret: string): SecretWeakness | null {
  // Long random text may hold such a word by chance.
  if (wellKnown.test(secret) && secret.length < 48) return 'well_known'
  if (secret.length < minLength) return 'short'
  return new Set(secret).size < minDifferent ? 'repetitive' : null
}
