import { z } from 'zod'

const valueSchema = z.union([z.string(), z.number(), z.boolean()])

export const gptLoadSettingCategories = ['basic', 'request', 'key'] as const
export type GptLoadSettingCategory = (typeof gptLoadSettingCategories)[number]

export const gptLoadSettingGroupSchema = z.object({
  category_name: z.string(),
  settings: z.array(
    z.object({
      key: z.string(),
      name: z.string(),
      value: valueSchema,
      type: z.enum(['int', 'string', 'bool']),
      default_value: z.string(),
      description: z.string(),
      category: z.string(),
      min_value: z.number().optional(),
      required: z.boolean(),
    }),
  ),
})
export type GptLoadSettingGroup = z.infer<typeof gptLoadSettingGroupSchema>

/** Any subset of settings, and `proxy_keys`: the access keys of all groups. */
export const gptLoadSettingsInputSchema = z.record(z.string(), valueSchema)

export const gptLoadLoginInputSchema = z.object({ auth_key: z.string().optional() })
export const gptLoadLoginSchema = z.object({ success: z.boolean(), message: z.string() })
