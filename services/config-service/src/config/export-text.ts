import type { ConfigExport } from '@gpt-load/contracts/api/config'

/** Values as they stand in a file: `${` is escaped, secrets are placeholders for environment variables. */
export interface FileText {
  readonly placeholders: ConfigExport['placeholders']
  readonly omitted: string[]
  readonly areSecretsShown: boolean
  literal(value: string): string
  /** Any JSON: texts inside it are escaped, names are not. */
  literals<T>(value: T): T
  secret(value: string, name: readonly string[], standsFor: string, hint: string): string
  placeholder(name: readonly string[], standsFor: string, hint: string): string
}

export function createFileText({ areSecretsShown }: { areSecretsShown: boolean }): FileText {
  const placeholders: ConfigExport['placeholders'] = []
  const used = new Set<string>()
  const literal = (value: string): string => value.replaceAll('${', () => '$${')
  function placeholder(name: readonly string[], standsFor: string, hint: string): string {
    const variable = freeName(variableName(name), used)
    placeholders.push({ variable, stands_for: standsFor, hint })
    return `\${env:${variable}}`
  }
  return {
    placeholders,
    omitted: [],
    areSecretsShown,
    literal,
    literals: (value) => mapTexts(value, literal) as typeof value,
    secret: (value, name, standsFor, hint) => (areSecretsShown ? literal(value) : placeholder(name, standsFor, hint)),
    placeholder,
  }
}

function variableName(parts: readonly string[]): string {
  const name = parts
    .join('_')
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
  return /^[A-Z]/.test(name) ? name : `V_${name}`
}

function freeName(name: string, used: Set<string>): string {
  let free = name
  for (let n = 2; used.has(free); n += 1) free = `${name}_${n}`
  used.add(free)
  return free
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTexts(item, map)]))
}
