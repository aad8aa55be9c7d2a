import { settingNames, settingsRegistry } from '@gpt-load/contracts/settings'
import { settingSchema } from '@gpt-load/contracts/settings-schema'
import type { SettingDefinition, Settings } from '@gpt-load/contracts/settings'
import { ConfigError, type ConfigProblem } from './config-error.ts'
import type { EnvironmentCheck, EnvironmentSource } from './environment.ts'

/**
 * Settings from the environment, the lowest layer: each setting by its name in capitals (MAX_RETRIES), and the names that
 * GPT-Load 0.1 had for some (gpt-load/v0.md 2).
 */
const olderNames: Record<string, keyof Settings> = { RESPONSE_TIMEOUT: 'response_header_timeout' }

/** Throws one ConfigError with all problems. */
export function readEnvironmentSettings(source: EnvironmentSource): Partial<Settings> {
  const { settings, problems } = parseEnvironmentSettings(source)
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

/** The problems of settings among those of the other variables, in one report. */
export function checkEnvironmentSettings(source: EnvironmentSource): EnvironmentCheck<unknown> {
  return (_values, report) => {
    for (const { variable, problem, advice } of parseEnvironmentSettings(source).problems)
      report(variable, problem, advice)
  }
}

function parseEnvironmentSettings(source: EnvironmentSource): {
  settings: Partial<Settings>
  problems: readonly ConfigProblem[]
} {
  const settings: Record<string, unknown> = {}
  const problems: ConfigProblem[] = []
  const names = [...Object.entries(olderNames), ...settingNames.map((name) => [name.toUpperCase(), name] as const)]
  for (const [variable, name] of names) {
    const text = source[variable]?.trim()
    if (text === undefined || text === '') continue
    const parsed = settingSchema(settingsRegistry[name]).safeParse(valueOf(settingsRegistry[name], text))
    if (parsed.success) settings[name] = parsed.data
    else
      problems.push({
        variable,
        problem: parsed.error.issues[0]?.message ?? 'is not valid',
        advice: adviceFor(settingsRegistry[name]),
      })
  }
  return { settings: settings as Partial<Settings>, problems }
}

function valueOf(definition: SettingDefinition, text: string): unknown {
  if (definition.type === 'int') return /^-?\d+$/.test(text) ? Number(text) : text
  if (definition.type === 'bool') return booleans[text.toLowerCase()] ?? text
  return text
}

const booleans: Record<string, boolean> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
}

function adviceFor(definition: SettingDefinition): string {
  if (definition.type === 'int')
    return `use a whole number from ${definition.min} to ${definition.max}${definition.unit === undefined ? '' : ` (${definition.unit})`}`
  if (definition.type === 'choice') return `use ${definition.choices.join(', ')}`
  return definition.type === 'bool' ? 'use true or false' : definition.description
}
