// The environment variables of a schema as rows, and the comparison with the table that a README shows, so that a
// test keeps the two equal.

import type { z } from 'zod'
import type { VariableMeta } from './environment-variables.ts'

export type EnvironmentRow = {
  readonly name: string
  /** As it is written in the table; '' for none. */
  readonly default: string
  readonly description: string
  readonly isSecret: boolean
  readonly isRequired: boolean
  readonly missingAdvice: string
}

type Layer = z.ZodType & {
  readonly _zod: { readonly def: { readonly innerType?: Layer; readonly defaultValue?: unknown } }
}

export function describeEnvironment(schema: z.ZodObject): readonly EnvironmentRow[] {
  return Object.entries(schema.shape).map(([name, variable]) =>
    describeVariable(name, variable as unknown as z.ZodType),
  )
}

function describeVariable(name: string, variable: z.ZodType): EnvironmentRow {
  const layers = layersOf(variable as Layer)
  // The outermost layer wins: a later .describe() replaces the helper's.
  const meta: VariableMeta = Object.assign({}, ...layers.map((layer) => layer.meta() ?? {}).reverse())
  const fallback = layers.map((layer) => layer._zod.def.defaultValue).find((value) => value !== undefined)
  return {
    name,
    default: fallback === undefined ? '' : (meta.defaultText ?? defaultText(fallback)),
    description: meta.description ?? '',
    isSecret: meta.isSecret ?? false,
    isRequired: !variable.safeParse(undefined).success,
    missingAdvice: meta.missingAdvice ?? `set ${name}, or ${name}_FILE to a file that holds it`,
  }
}

function layersOf(variable: Layer): readonly Layer[] {
  const inner = variable._zod.def.innerType
  return inner ? [variable, ...layersOf(inner)] : [variable]
}

function defaultText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/**
 * What differs between `schema` and the tables of `markdown` whose first column is a variable in back-quotes and whose
 * second is its default: variables that only one side has, other defaults. Empty when they agree.
 */
export function environmentTableMismatches(schema: z.ZodObject, markdown: string): readonly string[] {
  const documented = documentedDefaults(markdown)
  const rows = describeEnvironment(schema)
  const missing = rows.flatMap((row) => {
    const shown = documented.get(row.name)
    if (shown === undefined) return [`${row.name} is not in the table`]
    const expected = row.isRequired ? 'required' : row.default
    return shown === expected ? [] : [`${row.name}: the table says "${shown}", the schema "${expected}"`]
  })
  const names = new Set(rows.map((row) => row.name))
  const unknown = [...documented.keys()].filter((name) => !names.has(name))
  return [...missing, ...unknown.map((name) => `${name} is in the table, not in the schema`)]
}

function documentedDefaults(markdown: string): Map<string, string> {
  const defaults = new Map<string, string>()
  for (const line of markdown.split('\n')) {
    const row = /^\s*\|\s*`([A-Z][A-Z0-9_]*)`\s*\|\s*([^|]*?)\s*\|/.exec(line)
    if (row?.[1]) defaults.set(row[1], (row[2] ?? '').replaceAll('`', ''))
  }
  return defaults
}
