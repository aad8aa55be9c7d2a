import { z } from 'zod'
import { settingNames, settingsRegistry } from '../settings.ts'
import { settingSchema } from '../settings-schema.ts'
import { instantSchema } from './parameters.ts'

export const settingValueSchema = z.union([z.string(), z.number(), z.boolean()])
/** Where a value comes from: the registry, the environment at the first start, a configuration file, or a person. */
export const settingSources = ['default', 'environment', 'file', 'database'] as const

export const settingEntrySchema = z.object({
  name: z.string(),
  type: z.enum(['int', 'bool', 'string', 'choice']),
  value: settingValueSchema.describe('Credentials in it are masked.'),
  default: settingValueSchema,
  source: z.enum(settingSources),
  category: z.enum(['basic', 'request', 'retry', 'key', 'log']),
  description: z.string(),
  unit: z.string().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  choices: z.array(z.string()).nullable(),
  group_override: z.boolean(),
  managed_by: z.string().nullable(),
  updated_at: instantSchema.nullable(),
})
export type SettingEntry = z.infer<typeof settingEntrySchema>

export const settingListSchema = z.object({ items: z.array(settingEntrySchema), revision: z.number().int() })
export type SettingList = z.infer<typeof settingListSchema>

/** Any subset, all or nothing; null goes back to the default. */
export const settingsPatchSchema = z.strictObject(
  Object.fromEntries(
    settingNames.map((name) => [
      name,
      settingSchema(settingsRegistry[name]).nullable().optional().describe(settingsRegistry[name].description),
    ]),
  ),
) as unknown as z.ZodType<Record<string, string | number | boolean | null | undefined>>
