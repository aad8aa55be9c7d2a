import { RE2JS } from 're2js'
import type { RedactionRule } from '@gpt-load/contracts/redaction-rules'

/**
 * Instructions of a compiled expression. Matching takes time in proportion to text times instructions, so this bounds what
 * `/.{1000}/` could cost: about half a second per 64 KiB for the largest.
 */
export const maxPatternInstructions = 500

export type CompiledPattern = { replaceAll(text: string, replacement: string): string }
export type PatternResult = { ok: true; pattern: CompiledPattern } | { ok: false; error: string }

/** RE2's engine: no expression can backtrack, whatever the text is. */
export function compilePattern({
  source,
  isCaseInsensitive,
}: Omit<Extract<RedactionRule, { kind: 'pattern' }>, 'kind'>): PatternResult {
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(source, isCaseInsensitive ? RE2JS.CASE_INSENSITIVE : 0)
  } catch (error) {
    return { ok: false, error: `/${source}/ cannot be used: ${(error as Error).message}` }
  }
  const instructions = compiled.programSize()
  if (instructions > maxPatternInstructions)
    return {
      ok: false,
      error: `/${source}/ is too large: ${instructions} steps, ${maxPatternInstructions} at most; use smaller repeat counts`,
    }
  if (compiled.matches('')) return { ok: false, error: `/${source}/ matches nothing at all, and so everywhere` }
  return {
    ok: true,
    pattern: {
      replaceAll: (text, replacement) => compiled.matcher(text).replaceAll(RE2JS.quoteReplacement(replacement)),
    },
  }
}
