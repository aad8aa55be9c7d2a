import { parseRedactionRules, type RedactionRule } from '@gpt-load/contracts/redaction-rules'
import { compilePattern } from './compile-pattern.ts'
import { redactPreset } from './presets.ts'

/** Rules as one function over text. Pure, and linear in the text. */
export type Redact = (text: string) => string
export type RedactionResult = { ok: true; redact: Redact } | { ok: false; error: string }

/** What the rules say is wrong first; nothing is redacted by a part of them. */
export function compileRedaction(rules: string): RedactionResult {
  const parsed = parseRedactionRules(rules)
  if (!parsed.ok) return parsed
  const steps: Redact[] = []
  for (const rule of parsed.rules) {
    const step = compileRule(rule)
    if (typeof step === 'string') return { ok: false, error: step }
    steps.push(step)
  }
  return { ok: true, redact: (text) => steps.reduce((rest, step) => step(rest), text) }
}

function compileRule(rule: RedactionRule): Redact | string {
  if (rule.kind === 'preset') return redactPreset[rule.preset]
  const result = compilePattern(rule)
  return result.ok ? (text) => result.pattern.replaceAll(text, '[redacted]') : result.error
}
