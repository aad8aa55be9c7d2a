import {
  settingsRegistry,
  type SettingDefinition,
  type SettingName,
  type Settings,
  type SettingValue,
} from '@gpt-load/contracts/settings'
import { settingSchema } from '@gpt-load/contracts/settings-schema'
import type { Notes } from './source-notes.ts'

/**
 * GPT-Load's settings have the names that ours have (gpt-load/data.md 4); texts become numbers and booleans. What says the
 * default is left out, so that it goes on following it.
 */
const notSettings = new Set(['proxy_keys'])

export type SourceSettings = Partial<Settings>

/** `place` is named in notes, values never are. `isGroup`: overrides, which hold even when they say the default. */
export function convertSettings(
  entries: Iterable<readonly [string, unknown]>,
  { place, isGroup, notes }: { place: string; isGroup: boolean; notes: Notes },
): SourceSettings {
  const settings: Record<string, SettingValue> = {}
  for (const [name, raw] of entries) {
    if (raw === null || raw === undefined || notSettings.has(name)) continue
    const definition = Object.hasOwn(settingsRegistry, name) ? settingsRegistry[name as SettingName] : undefined
    if (definition === undefined || (isGroup && !definition.groupOverride)) {
      notes.warn(`${place}: the setting "${name}" is not known here and was left out`)
      continue
    }
    const value = settingSchema(definition).safeParse(typedValue(definition.type, raw))
    if (!value.success) notes.warn(`${place}: ${name} ${value.error.issues[0]?.message ?? 'is wrong'}; left out`)
    else if (isGroup || value.data !== definition.default) settings[name] = value.data
  }
  return settings as SourceSettings
}

function typedValue(type: SettingDefinition['type'], raw: unknown): unknown {
  if (typeof raw !== 'string') return raw
  if (type === 'int') return /^-?\d+$/.test(raw.trim()) ? Number(raw) : raw
  return type === 'bool' ? /^(true|1|yes|on)$/i.test(raw.trim()) : raw
}

/**
 * GPT-Load waits for the first byte as long as for the shorter of two timeouts. `system` completes what a group leaves out;
 * nothing is set where both are at their default.
 */
export function withFirstByteTimeout(settings: SourceSettings, system: SourceSettings = {}): SourceSettings {
  if (settings.request_timeout === undefined && settings.response_header_timeout === undefined) return settings
  const { request_timeout: whole, response_header_timeout: head } = { ...system, ...settings }
  const seconds = Math.min(
    whole ?? settingsRegistry.request_timeout.default,
    head ?? settingsRegistry.response_header_timeout.default,
  )
  return { ...settings, first_byte_timeout_ms: seconds * 1_000 }
}
