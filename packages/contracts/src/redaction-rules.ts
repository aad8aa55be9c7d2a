/**
 * What is taken out of logged bodies before they leave the edge, one rule per line: a ready-made one by its name, or a
 * regular expression between slashes, `i` behind it for upper and lower case alike. A line that begins with `#` is a comment.
 *
 *   api_key
 *   card
 *   /customer-\d{4,12}/i
 *
 * Expressions are RE2's (packages/redaction): matched in linear time, without look-around and back-references.
 */
export const redactionPresets = ['api_key', 'card', 'email'] as const
export type RedactionPreset = (typeof redactionPresets)[number]

export type RedactionRule =
  | { kind: 'preset'; preset: RedactionPreset }
  | { kind: 'pattern'; source: string; isCaseInsensitive: boolean }
export type RedactionRulesResult = { ok: true; rules: readonly RedactionRule[] } | { ok: false; error: string }

export const defaultRedactionRules = redactionPresets.join('\n')
export const maxRedactionRules = 20
export const maxRedactionPatternLength = 200

export function parseRedactionRules(text: string): RedactionRulesResult {
  const rules: RedactionRule[] = []
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const line = written.trim()
    if (line === '' || line.startsWith('#')) continue
    const rule = parseRule(line)
    if (typeof rule === 'string') return { ok: false, error: `line ${index + 1}: ${rule}` }
    rules.push(rule)
    if (rules.length > maxRedactionRules) return { ok: false, error: `${maxRedactionRules} rules at most` }
  }
  return { ok: true, rules }
}

function parseRule(line: string): RedactionRule | string {
  const preset = redactionPresets.find((name) => name === line)
  if (preset !== undefined) return { kind: 'preset', preset }
  const match = /^\/(.+)\/(i?)$/.exec(line)
  if (match === null) return `write ${redactionPresets.join(', ')} or an expression between slashes: /secret-\\d+/`
  const [, source = '', flag] = match
  if (source.length > maxRedactionPatternLength) return `is longer than ${maxRedactionPatternLength} characters`
  return { kind: 'pattern', source, isCaseInsensitive: flag === 'i' }
}
