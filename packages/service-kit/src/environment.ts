// Reads the environment of a process once, at its start, into a frozen and typed configuration. Every variable may
// also come from a file (NAME_FILE, as container secrets are mounted). All problems are reported in one ConfigError.
// Invariant: no message holds the value of a secret variable, wherever it was repeated. `process.env` itself is read
// by the config.ts of each service and passed in as `source`.

import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { ConfigError, type ConfigProblem } from './config-error.ts'
import { describeEnvironment, type EnvironmentRow } from './environment-table.ts'
import { MIN_SECRET_CHARACTERS, SECRET_MARK, scrubPatterns } from './secret-patterns.ts'

export type EnvironmentSource = Readonly<Record<string, string | undefined>>

export type ReportProblem = (variable: string, problem: string, advice: string) => void

/** A rule between variables. Variables that are missing or were refused themselves are absent from `values`. */
export type EnvironmentCheck<T> = (values: Partial<T>, report: ReportProblem) => void

export type ReadEnvironmentOptions<T> = {
  readonly readFile?: (path: string) => string
  readonly checks?: readonly EnvironmentCheck<T>[]
}

const SECRET_FIELD = /^(?:.*password|.*secret|.*token)$/i

/** Reads the variables of `schema` from `source`. Throws one ConfigError that lists every problem. */
export function readEnvironment<S extends z.ZodObject>(
  schema: S,
  source: EnvironmentSource,
  options: ReadEnvironmentOptions<z.output<S>> = {},
): Readonly<z.output<S>> {
  const rows = describeEnvironment(schema)
  const problems: ConfigProblem[] = []
  const report: ReportProblem = (variable, problem, advice) => problems.push({ variable, problem, advice })
  const texts = readTexts(rows, source, options.readFile ?? ((path) => readFileSync(path, 'utf8')), report)
  const values = parseVariables(schema, rows, texts, report)
  for (const check of options.checks ?? []) check(values as Partial<z.output<S>>, report)
  if (problems.length === 0) parseObject(schema, texts, report)
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => withoutSecrets(problem, rows, texts)))
  return deepFreeze(values as z.output<S>)
}

/** The secrets of a configuration that was read, for the scrubber of the logger. */
export function secretValues(schema: z.ZodObject, config: Readonly<Record<string, unknown>>): readonly string[] {
  const secretRows = describeEnvironment(schema).filter((row) => row.isSecret)
  return secretRows.flatMap((row) => [config[row.name]].flat().flatMap(secretsIn))
}

function secretsIn(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([field, inner]) => {
    return SECRET_FIELD.test(field) || typeof inner === 'object' ? secretsIn(inner) : []
  })
}

function readTexts(
  rows: readonly EnvironmentRow[],
  source: EnvironmentSource,
  readFile: (path: string) => string,
  report: ReportProblem,
): Map<string, string> {
  const declared = new Set(rows.map((row) => row.name))
  const texts = new Map<string, string>()
  for (const { name } of rows) {
    const fileVariable = `${name}_FILE`
    const path = declared.has(fileVariable) ? undefined : source[fileVariable] || undefined
    const text = source[name] || undefined
    if (text !== undefined) texts.set(name, text)
    if (path === undefined) continue
    if (text !== undefined) report(name, `and ${fileVariable} are both set`, 'remove one of the two')
    else readFileText(name, path, readFile, texts, report)
  }
  return texts
}

function readFileText(
  name: string,
  path: string,
  readFile: (path: string) => string,
  texts: Map<string, string>,
  report: ReportProblem,
): void {
  try {
    const text = readFile(path).trimEnd()
    if (text === '') report(`${name}_FILE`, `names an empty file: ${path}`, 'write the value into it')
    // Also set when empty: the variable itself is then not reported as missing a second time.
    texts.set(name, text)
  } catch (error) {
    texts.set(name, '')
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    report(`${name}_FILE`, `names a file that cannot be read: ${path} (${code})`, 'check the path and its mode')
  }
}

function parseVariables(
  schema: z.ZodObject,
  rows: readonly EnvironmentRow[],
  texts: ReadonlyMap<string, string>,
  report: ReportProblem,
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const row of rows) {
    const text = texts.get(row.name)
    if (text === '') continue
    const result = (schema.shape[row.name] as z.ZodType).safeParse(text)
    if (result.success) {
      if (result.data !== undefined) values[row.name] = result.data
    } else if (text === undefined) report(row.name, 'is required and not set', row.missingAdvice)
    else for (const issue of result.error.issues) report(row.name, issueProblem(issue), issueAdvice(issue, row))
  }
  return values
}

/** Rules that the caller put on the object itself, by zod's refine. */
function parseObject(schema: z.ZodObject, texts: ReadonlyMap<string, string>, report: ReportProblem): void {
  const result = schema.safeParse(Object.fromEntries(texts))
  if (result.success) return
  for (const issue of result.error.issues) {
    report(String(issue.path[0] ?? 'The environment'), issueProblem(issue), issueAdvice(issue, undefined))
  }
}

function issueProblem(issue: z.core.$ZodIssue): string {
  return issue.code === 'custom' ? issue.message : `is not valid: ${issue.message}`
}

function issueAdvice(issue: z.core.$ZodIssue, row: EnvironmentRow | undefined): string {
  const advice: unknown = issue.code === 'custom' ? issue.params?.advice : undefined
  return typeof advice === 'string' ? advice : row?.description || 'correct the value'
}

function withoutSecrets(
  problem: ConfigProblem,
  rows: readonly EnvironmentRow[],
  texts: ReadonlyMap<string, string>,
): ConfigProblem {
  const secrets = rows.filter((row) => row.isSecret).map((row) => texts.get(row.name) ?? '')
  const maskable = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARACTERS)
  const masked = maskable.reduce((text, secret) => mask(text, secret), problem.problem)
  return { ...problem, problem: scrubPatterns(masked) }
}

function mask(text: string, secret: string): string {
  const quoted = JSON.stringify(secret).slice(1, -1)
  return text.replaceAll(secret, SECRET_MARK).replaceAll(quoted, SECRET_MARK)
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
