import { settingNames, settingSchema, settingsRegistry } from '@gpt-load/contracts/settings'
import type { SettingDefinition, Settings } from '@gpt-load/contracts/settings'
import { ConfigError } from '@gpt-load/service-kit/config-error'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'

/**
 * Settings from the environment, the lowest layer: each setting by its name in capitals (MAX_RETRIES), and the names that
 * GPT-Load 0.1 had for some (gpt-load/v0.md 2). All problems at once.
 */
const olderNames: Record<string, keyof Settings> = { RESPONSE_TIMEOUT: 'response_header_timeout' }

export function readEnvironmentSettings(source: EnvironmentSource): Partial<Settings> {
  const settings: Record<string, unknown> = {}
  const problems: { variable: string; problem: string; advice: string }[] = []
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
  if (problems.length > 0) throw new ConfigError(problems)
  return settings as Partial<Settings>
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
  return definition.type === 'bool' ? 'use true or false' : definition.description
}
