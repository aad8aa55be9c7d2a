// The kinds of environment variables: each helper makes a zod schema that reads the text of one variable. Texts are
// refused with a problem and an advice; a secret's value is in neither. Descriptions and defaults are kept as
// metadata, from which environment-table.ts derives the tables of the READMEs. An empty text counts as not set
// (environment.ts), as compose files write `${NAME:-}`.

import { z } from 'zod'
import { parseDuration, type DurationUnit } from './go-duration.ts'
import { accepted, refused, type ParseResult } from './parse-result.ts'

/** What is known about a variable besides its type. */
export type VariableMeta = {
  readonly isSecret?: boolean
  /** How the default is written in a table, where JSON would mislead. */
  readonly defaultText?: string
  /** What to do when a required variable is missing. */
  readonly missingAdvice?: string
  readonly description?: string
}

export type EnvironmentVariable<T> = z.ZodType<T, string | undefined>

type VariableOptions<T> = {
  readonly default?: T
  readonly description?: string
  readonly missingAdvice?: string
}

const TRUE_TEXTS = new Set(['true', '1', 'yes', 'on'])
const FALSE_TEXTS = new Set(['false', '0', 'no', 'off'])
const SHOWN_CHARACTERS = 40

/** A variable with a parser of its own: connections, formats. */
export function envParsed<T>(
  parse: (text: string) => ParseResult<T>,
  options: VariableOptions<T> & VariableMeta = {},
): EnvironmentVariable<T> {
  const { default: fallback, ...meta } = options
  const schema = z.string().transform((text, context) => {
    const result = parse(text)
    if (result.ok) return result.value
    context.addIssue({ code: 'custom', message: result.problem, params: { advice: result.advice } })
    return z.NEVER
  })
  const described = schema.meta({ ...meta })
  const complete = fallback === undefined ? described : described.default(fallback as never)
  return complete as unknown as EnvironmentVariable<T>
}

/** true, 1, yes, on and their opposites, in any case. */
export function envBoolean(options: VariableOptions<boolean> = {}): EnvironmentVariable<boolean> {
  return envParsed((text) => {
    const lower = text.trim().toLowerCase()
    if (TRUE_TEXTS.has(lower)) return accepted(true)
    if (FALSE_TEXTS.has(lower)) return accepted(false)
    return refused(`is neither true nor false: ${shown(text)}`, 'use true, 1, yes, on or false, 0, no, off')
  }, options)
}

export function envInteger(
  options: VariableOptions<number> & { readonly min?: number; readonly max?: number } = {},
): EnvironmentVariable<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER, ...rest } = options
  return envParsed((text) => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text.trim()) : Number.NaN
    if (!Number.isSafeInteger(value)) return refused(`is not a whole number: ${shown(text)}`, `use ${range(min, max)}`)
    if (value < min || value > max) return refused(`is out of range: ${value}`, `use ${range(min, max)}`)
    return accepted(value)
  }, rest)
}

/** Milliseconds from "250ms", "30s", "1m30s"; a bare number counts in `unit` (seconds unless told). */
export function envDurationMs(
  options: VariableOptions<number> & {
    readonly unit?: DurationUnit
    readonly minMs?: number
    readonly maxMs?: number
  } = {},
): EnvironmentVariable<number> {
  const { unit = 's', minMs = 0, maxMs = Number.MAX_SAFE_INTEGER, ...rest } = options
  const defaultText = rest.default === undefined ? {} : { defaultText: durationText(rest.default) }
  return envParsed(
    (text) => {
      const result = parseDuration(text, unit)
      if (!result.ok) return refused(`${result.problem}: ${shown(text)}`, result.advice)
      if (result.value >= minMs && result.value <= maxMs) return result
      const atMost = maxMs === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${durationText(maxMs)}`
      return refused(`is out of range: ${shown(text)}`, `use at least ${durationText(minMs)}${atMost}`)
    },
    { ...rest, ...defaultText },
  )
}

export function envString(
  options: VariableOptions<string> & { readonly pattern?: RegExp; readonly patternAdvice?: string } = {},
): EnvironmentVariable<string> {
  const { pattern, patternAdvice, ...rest } = options
  return envParsed((text) => {
    if (!pattern || pattern.test(text)) return accepted(text)
    return refused(`has a form that is not allowed: ${shown(text)}`, patternAdvice ?? `it must match ${pattern.source}`)
  }, rest)
}

export function envChoice<const T extends string>(
  choices: readonly T[],
  options: VariableOptions<NoInfer<T>> = {},
): EnvironmentVariable<T> {
  return envParsed((text) => {
    const choice = choices.find((candidate) => candidate === text.trim().toLowerCase())
    return choice === undefined ? refused(`is unknown: ${shown(text)}`, `use ${choices.join(', ')}`) : accepted(choice)
  }, options)
}

/** A value that is in no message, table or log line. */
export function envSecret(
  options: VariableOptions<string> & { readonly minLength?: number } = {},
): EnvironmentVariable<string> {
  const { minLength = 1, ...rest } = options
  const makeOne = rest.missingAdvice ?? 'make a good one with: openssl rand -hex 32'
  return envParsed(
    (text) => (text.length < minLength ? refused(`is shorter than ${minLength} characters`, makeOne) : accepted(text)),
    { missingAdvice: makeOne, ...rest, isSecret: true },
  )
}

/** Items between commas, trimmed, empty ones left out. */
export function envList(
  options: VariableOptions<readonly string[]> & { readonly minItems?: number } = {},
): EnvironmentVariable<readonly string[]> {
  const { minItems = 0, ...rest } = options
  const defaultText = rest.default === undefined ? {} : { defaultText: rest.default.join(',') }
  return envParsed(
    (text) => {
      const items = listItems(text)
      if (items.length >= minItems) return accepted(items)
      return refused(`needs at least ${minItems} item${minItems === 1 ? '' : 's'}`, 'separate the items with commas')
    },
    { ...rest, ...defaultText },
  )
}

/** An absolute URL, returned as it was written. A password in it is refused, since URLs end up in logs. */
export function envUrl(
  options: VariableOptions<string> & { readonly protocols?: readonly string[] } = {},
): EnvironmentVariable<string> {
  const { protocols = ['http', 'https'], ...rest } = options
  return envParsed((text) => {
    const url = URL.parse(text.trim())
    if (!url) return refused('is not a URL', `write the whole URL, like ${protocols[0]}://host:port`)
    if (url.username || url.password) return refused('has a user or a password in it', 'leave them out of the URL')
    if (!protocols.includes(url.protocol.slice(0, -1))) {
      return refused(`has a scheme that is not supported: ${shown(url.protocol)}`, `use ${protocols.join(' or ')}`)
    }
    return accepted(text.trim())
  }, rest)
}

export function listItems(text: string): readonly string[] {
  const items = text.split(',').map((item) => item.trim())
  return items.filter((item) => item !== '')
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)
}

function range(min: number, max: number): string {
  const isOpenBelow = min === Number.MIN_SAFE_INTEGER
  const isOpenAbove = max === Number.MAX_SAFE_INTEGER
  if (isOpenBelow && isOpenAbove) return 'digits only'
  if (isOpenAbove) return `a whole number of at least ${min}`
  return isOpenBelow ? `a whole number of at most ${max}` : `a whole number from ${min} to ${max}`
}

function durationText(durationMs: number): string {
  return durationMs % 1_000 === 0 ? `${durationMs / 1_000}s` : `${durationMs}ms`
}
