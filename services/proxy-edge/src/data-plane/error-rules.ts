import type { ErrorClass } from '@gpt-load/contracts/error-class'
import { parseErrorRules, type ErrorRule } from '@gpt-load/contracts/error-rules'
import type { AttemptFailure } from './attempt-failure.ts'

/** A group's rules about errors, compiled; null = it has none. What does not parse was refused where it was stored. */
export type ErrorRules = { readonly live: readonly ErrorRule[]; readonly observed: readonly ErrorRule[] }

export function compileErrorRules(text: string): ErrorRules | null {
  if (text.trim() === '') return null
  const parsed = parseErrorRules(text)
  if (!parsed.ok || parsed.rules.length === 0) return null
  const [observed, live] = [true, false].map((is) => parsed.rules.filter(({ isObserved }) => isObserved === is))
  return { live: live!, observed: observed! }
}

/** The first rule that names this error. Only answers have one: a lost connection says nothing about a key. */
export function findRule(rules: readonly ErrorRule[], { status, classification }: AttemptFailure): ErrorRule | null {
  if (classification === null) return null
  for (const rule of rules) {
    if (status < rule.from || status > rule.to) continue
    if (rule.code === '' || classification.codes.includes(rule.code)) return rule
  }
  return null
}

/** The class that stands for what a rule does to the key; null = it leaves the key alone. */
export function classOfRule({ action }: ErrorRule): ErrorClass | null {
  switch (action) {
    case 'ignore':
      return null
    case 'cool':
      return 'rate_limit'
    case 'exhaust':
      return 'key_quota'
    default:
      return 'key_auth'
  }
}
