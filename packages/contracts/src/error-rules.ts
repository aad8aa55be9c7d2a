/**
 * A group's own rules about what an upstream's errors say of its keys; the first one that matches overrules the channel's
 * classification. One per line, `#` begins a comment:
 *
 *   [observe] STATUS [CODE] -> ACTION [FOR] [retry | no-retry]
 *
 *   402 -> exhaust 6h                            the relay's balance is filled in the evening
 *   403 account_deactivated -> invalidate
 *   5xx -> ignore no-retry
 *   429 engine_overloaded -> ignore              not this key's limit
 *   observe 400 key_expired -> invalidate        only counted: what it would have done, and whether the key went on working
 *
 * STATUS: `429`, `500-503`, `5xx` or `*` (also errors inside a stream of status 200). CODE: the provider's error code or
 * type, exact. FOR: a number with s, m, h or d; without it the time that the provider names, else the group's default.
 */
export const errorRuleActions = ['ignore', 'count', 'cool', 'exhaust', 'invalidate'] as const
export type ErrorRuleAction = (typeof errorRuleActions)[number]

export type ErrorRule = {
  /** As it was written, blanks made single. */
  text: string
  isObserved: boolean
  /** Both included. `*` is 0 to 599. */
  from: number
  to: number
  /** '' = any. */
  code: string
  action: ErrorRuleAction
  /** Of `cool` and `exhaust`; 0 = none given. */
  forMs: number
  /** null = as the class of the error says. */
  isRetried: boolean | null
}

export type ErrorRulesResult = { ok: true; rules: readonly ErrorRule[] } | { ok: false; error: string }

export const maxErrorRules = 100
const maxRuleLength = 200
const maxForMs = 31 * 86_400_000
/** What a caller can provoke at will: with any of these alone a key would be at every caller's mercy. */
const callerStatuses = [400, 404, 405, 406, 409, 411, 413, 414, 415, 416, 417, 422, 431]

export function parseErrorRules(text: string): ErrorRulesResult {
  const rules: ErrorRule[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = wordsOf(line)
    if (words[0] === '') continue
    const rule = parseRule(words)
    if (typeof rule === 'string') return { ok: false, error: `line ${index + 1}: ${rule}` }
    rules.push(rule)
    if (rules.length > maxErrorRules) return { ok: false, error: `${maxErrorRules} rules at most` }
  }
  return { ok: true, rules }
}

const wordsOf = (line: string): string[] => line.replace(/#.*/, '').trim().split(/\s+/)

/** The rules with an observed one in force, every other line as it was; null when `rule` (its text) is not observed there. */
export function promoteRule(rules: string, rule: string): string | null {
  const lines = rules.split('\n')
  const index = lines.findIndex((line) => {
    const words = wordsOf(line)
    return words[0] === 'observe' && words.join(' ') === rule
  })
  if (index === -1) return null
  return lines.with(index, lines[index]!.replace(/observe\s+/, '')).join('\n')
}

const shape = 'write STATUS [CODE] -> ACTION [FOR] [retry | no-retry], for example 402 -> exhaust 6h'

function parseRule(words: readonly string[]): ErrorRule | string {
  const isObserved = words[0] === 'observe'
  const arrow = words.indexOf('->')
  const [status = '', code = '', tooMuch] = words.slice(isObserved ? 1 : 0, arrow)
  if (arrow === -1 || tooMuch !== undefined) return shape
  const statuses = parseStatuses(status)
  if (statuses === null) return `"${status}" is no status: use 429, 500-503, 5xx or *`
  const [action = '', ...rest] = words.slice(arrow + 1)
  if (!isAction(action)) return `"${action}" is no action: use ${errorRuleActions.join(', ')}`
  const options = parseOptions(action, rest)
  if (typeof options === 'string') return options
  const text = words.join(' ')
  if (text.length > maxRuleLength) return `is longer than ${maxRuleLength} characters`
  const rule: ErrorRule = { text, isObserved, ...statuses, code, action, ...options }
  return problemOf(rule) ?? rule
}

function parseStatuses(text: string): { from: number; to: number } | null {
  if (text === '*') return { from: 0, to: 599 }
  const family = /^([45])xx$/i.exec(text)
  if (family !== null) return { from: Number(family[1]) * 100, to: Number(family[1]) * 100 + 99 }
  const range = /^([45]\d\d)(?:-([45]\d\d))?$/.exec(text)
  if (range === null) return null
  const from = Number(range[1])
  const to = Number(range[2] ?? range[1])
  return from <= to ? { from, to } : null
}

function isAction(text: string): text is ErrorRuleAction {
  return errorRuleActions.some((action) => action === text)
}

function parseOptions(
  action: ErrorRuleAction,
  words: readonly string[],
): Pick<ErrorRule, 'forMs' | 'isRetried'> | string {
  let forMs = 0
  let isRetried: boolean | null = null
  for (const word of words) {
    if (word === 'retry' || word === 'no-retry') isRetried = word === 'retry'
    else {
      const duration = parseDuration(word)
      if (duration === null) return `"${word}" is no time (30s, 5m, 6h, 1d), retry or no-retry`
      if (action !== 'cool' && action !== 'exhaust') return `${action} takes no time, cool and exhaust do`
      forMs = duration
    }
  }
  return { forMs, isRetried }
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function parseDuration(text: string): number | null {
  const match = /^(\d{1,7})([smhd])$/.exec(text)
  if (match === null) return null
  const ms = Number(match[1]) * unitMs[match[2]!]!
  return ms > 0 && ms <= maxForMs ? ms : null
}

function problemOf({ action, code, from, to }: ErrorRule): string | null {
  if (action === 'ignore' || code !== '') return null
  const provoked = callerStatuses.find((status) => status >= from && status <= to)
  if (provoked === undefined) return null
  return `every caller can provoke ${provoked}: name the provider's error code too, or the statuses without it`
}
