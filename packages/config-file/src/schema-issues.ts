// Turns the issues of zod into sentences about fields. A union's issues are those of the alternative that was meant;
// an unknown field becomes one issue of its own with a suggestion. Sentences never repeat a value of the file.

import { z } from 'zod'
import type { Path } from './source-document.ts'
import { closestName } from './suggestion.ts'

export type SchemaIssue = {
  readonly path: Path
  /** Whether the name of the field is wrong or its value. */
  readonly target: 'name' | 'value'
  readonly message: string
  /** The file has something at the path that should be of another shape: it may be a key in the wrong place. */
  readonly isMisplaced: boolean
}

type Issue = z.core.$ZodIssue
type Definition = {
  readonly innerType?: z.core.$ZodType
  readonly in?: z.core.$ZodType
  readonly element?: z.core.$ZodType
  readonly valueType?: z.core.$ZodType
  readonly options?: readonly z.core.$ZodType[]
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
}

const MAX_LISTED_NAMES = 12

/** `value` is what was validated; it decides between "missing" and "wrong". */
export function schemaIssues(
  schema: z.core.$ZodType,
  value: unknown,
  issues: readonly Issue[],
  base: Path = [],
): SchemaIssue[] {
  return issues
    .filter((issue) => !isFollowUp(issue, issues))
    .flatMap((issue) => {
      const inner = issue.path.filter((step) => typeof step !== 'symbol')
      const path = [...base, ...inner]
      if (issue.code === 'unrecognized_keys')
        return unknownFields(schemaAt(schema, value, inner, true), path, issue.keys)
      if (issue.code !== 'invalid_union') return [valueIssue(issue, path, valueAt(value, inner))]
      const chosen = meantAlternative(issue.errors)
      const alternative = definition(schemaAt(schema, value, inner, false)).options?.[chosen]
      const alternativeIssues = issue.errors[chosen]
      if (!alternative || !alternativeIssues) return [valueIssue(issue, path, valueAt(value, inner))]
      return schemaIssues(alternative, valueAt(value, inner), alternativeIssues, path)
    })
}

/** The alternative that fits best at its own level: a wrong type, then unknown and missing fields speak against it. */
function meantAlternative(alternatives: readonly (readonly Issue[])[]): number {
  const costs = alternatives.map((issues) => issues.reduce((sum, issue) => sum + costOf(issue), 0))
  return costs.indexOf(Math.min(...costs))
}

function costOf(issue: Issue): number {
  if (issue.path.length > 1) return 0
  if (issue.code === 'invalid_type' && issue.path.length === 0) return 1_000
  if (issue.code === 'unrecognized_keys' && issue.path.length === 0) return 2 * issue.keys.length
  return issue.code === 'invalid_type' ? 3 : 0
}

/** A rule about the items of a list that "must not be empty" is told already. */
function isFollowUp(issue: Issue, issues: readonly Issue[]): boolean {
  if (issue.code !== 'custom') return false
  const at = JSON.stringify(issue.path)
  return issues.some(
    (other) => other.code === 'too_small' && other.origin === 'array' && JSON.stringify(other.path) === at,
  )
}

function unknownFields(schema: z.core.$ZodType | undefined, path: Path, names: readonly string[]): SchemaIssue[] {
  const known = Object.keys(definition(schema).shape ?? {})
  return names.map((name) => {
    const suggestion = closestName(name, known)
    const listed = known.length <= MAX_LISTED_NAMES ? `; known here: ${known.join(', ')}` : ''
    const hint = suggestion === undefined ? listed : `, did you mean "${suggestion}"?`
    return { path: [...path, name], target: 'name', message: `unknown field${hint}`, isMisplaced: true }
  })
}

function valueIssue(issue: Issue, path: Path, value: unknown): SchemaIssue {
  const field = path.at(-1)
  if (value === undefined && issue.code !== 'custom') {
    const message = typeof field === 'string' ? `the field "${field}" is missing` : 'the file is empty'
    return { path, target: 'value', message, isMisplaced: false }
  }
  return { path, target: 'value', message: sentence(issue, value), isMisplaced: issue.code === 'invalid_type' }
}

function sentence(issue: Issue, value: unknown): string {
  // A message of the contract's own says more than we could.
  if (!/^(?:Too (?:small|big)|Invalid )/.test(issue.message)) return issue.message
  if (issue.code === 'invalid_type') return `must be ${article(issue.expected)}, not ${article(typeName(value))}`
  if (issue.code === 'invalid_value') {
    const choices = issue.values.map(String)
    const suggestion = typeof value === 'string' ? closestName(value, choices) : undefined
    const hint = suggestion === undefined ? '' : `; did you mean "${suggestion}"?`
    return choices.length === 1 ? `must be ${choices[0]}` : `must be one of ${choices.join(', ')}${hint}`
  }
  if (issue.code === 'too_small' && issue.minimum === 1 && issue.origin !== 'number') return 'must not be empty'
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${unitOf(issue.origin)}`
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${unitOf(issue.origin)}`
  return issue.message
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters long'
  return origin === 'array' ? ' items long' : ''
}

function article(type: string): string {
  const named = type === 'object' || type === 'record' ? 'map of fields' : type === 'array' ? 'list' : type
  if (named === 'null') return 'nothing'
  if (named === 'int') return 'a whole number'
  return `a ${named}`
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** The schema of the value at `path`; on the way, and at the end if asked for, a union is the alternative that was meant. */
function schemaAt(
  schema: z.core.$ZodType | undefined,
  value: unknown,
  path: Path,
  isUnionResolved: boolean,
): z.core.$ZodType | undefined {
  const current = unwrapped(schema)
  const [step, ...rest] = path
  const { shape, element, valueType, options } = definition(current)
  if (options && (step !== undefined || isUnionResolved)) {
    const errors = options.map((option) => z.core.safeParse(option, value).error?.issues ?? [])
    return schemaAt(options[meantAlternative(errors)], value, path, isUnionResolved)
  }
  if (step === undefined) return current
  const next = shape ? shape[String(step)] : (element ?? valueType)
  return schemaAt(next, valueAt(value, [step]), rest, isUnionResolved)
}

function unwrapped(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  const inner = definition(schema).innerType ?? definition(schema).in
  return inner ? unwrapped(inner) : schema
}

function definition(schema: z.core.$ZodType | undefined): Definition {
  return (schema?._zod.def ?? {}) as unknown as Definition
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value
  for (const step of path) current = (current as Record<string, unknown> | null | undefined)?.[String(step)]
  return current
}
