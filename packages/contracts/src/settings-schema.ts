import { z } from 'zod'
import {
  type SettingDefinition,
  type SettingName,
  type Settings,
  type SettingValue,
  groupSettingNames,
  settingNames,
  settingsRegistry,
} from './settings.ts'

/** What the registry says, as schemas. Apart from it, so that who only resolves settings loads no validator. */

/** Zod schema of one setting's value, with its bounds. */
export function settingSchema(definition: SettingDefinition): z.ZodType<SettingValue> {
  if (definition.type === 'int') return z.number().int().min(definition.min).max(definition.max)
  if (definition.type === 'bool') return z.boolean()
  if (definition.type === 'choice') return z.enum(definition.choices)
  const { check } = definition
  const text = z.string().max(8_192)
  if (check === undefined) return text
  return text.superRefine((value, context) => {
    const problem = check(value)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })
}

function shapeOf(names: readonly SettingName[]): Record<string, z.ZodType> {
  return Object.fromEntries(
    names.map((name) => {
      const definition: SettingDefinition = settingsRegistry[name]
      return [name, settingSchema(definition).optional().describe(definition.description)]
    }),
  )
}

/** Any subset of the system settings; unknown names are refused. */
export const systemSettingsSchema = z.strictObject(shapeOf(settingNames)) as unknown as z.ZodType<Partial<Settings>>
/** Any subset of what a group may override. */
export const groupSettingsSchema = z.strictObject(shapeOf(groupSettingNames)) as unknown as z.ZodType<Partial<Settings>>
