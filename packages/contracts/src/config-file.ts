import { z } from 'zod'
import { optionalAccessKeyLimits } from './access-key-limits-schema.ts'
import {
  accessKeyTokenSchema,
  channelTypeSchema,
  groupNameSchema,
  headerRulesSchema,
  modelRedirectsSchema,
  noteSchema,
  paramOverridesSchema,
  providerKeySchema,
  upstreamUrlSchema,
  validationEndpointSchema,
  weightSchema,
} from './group-shape.ts'
import { groupSettingsSchema, systemSettingsSchema } from './settings-schema.ts'

/** `gpt-load.yaml`: what `npm start -- --config FILE` and the CLI read. One schema for both; names are snake_case. */
export const upstreamConfigSchema = z.strictObject({
  url: upstreamUrlSchema,
  weight: weightSchema.default(1),
})

export const keysManagedModes = ['additive', 'exact'] as const

const sharedGroupFields = {
  name: groupNameSchema.describe('The URL segment: /proxy/{name}/…'),
  display_name: z.string().trim().max(255).optional(),
  description: z.string().trim().max(512).optional(),
  channel: channelTypeSchema,
  enabled: z.boolean().optional(),
  sort: z.number().int().min(0).max(1_000_000).optional(),
  param_overrides: paramOverridesSchema.optional(),
  header_rules: headerRulesSchema.optional(),
  model_redirects: modelRedirectsSchema.optional(),
  model_redirect_strict: z.boolean().optional(),
  settings: groupSettingsSchema.optional(),
}

export const standardGroupConfigSchema = z.strictObject({
  ...sharedGroupFields,
  upstreams: z
    .array(upstreamConfigSchema)
    .min(1, 'a group needs at least one upstream')
    .max(100)
    .refine((upstreams) => upstreams.some(({ weight }) => weight > 0), 'at least one upstream needs a weight above 0'),
  keys: z.array(providerKeySchema).optional().describe('Provider keys; ${env:NAME} keeps them out of the file.'),
  keys_file: z.string().min(1).optional().describe('One key per line, # comments; relative to this file.'),
  keys_managed: z
    .enum(keysManagedModes)
    .optional()
    .describe('additive (the default): keys are only added; exact: `gptload apply --prune` removes all others.'),
  test_model: z.string().trim().min(1).max(255).optional(),
  validation_endpoint: validationEndpointSchema.optional(),
})

export const aggregateGroupConfigSchema = z.strictObject({
  ...sharedGroupFields,
  members: z
    .array(z.strictObject({ group: groupNameSchema, weight: weightSchema.default(1) }))
    .min(1)
    .max(100),
})

export const groupConfigSchema = z.union([standardGroupConfigSchema, aggregateGroupConfigSchema])
export type StandardGroupConfig = z.infer<typeof standardGroupConfigSchema>
export type AggregateGroupConfig = z.infer<typeof aggregateGroupConfigSchema>
export type GroupConfig = StandardGroupConfig | AggregateGroupConfig

export const accessKeyConfigSchema = z.strictObject({
  name: z.string().trim().min(1).max(100),
  key: accessKeyTokenSchema,
  groups: z
    .array(groupNameSchema.or(z.literal('*')))
    .min(1)
    .describe('Group names, or "*" for all.'),
  default_group: groupNameSchema.optional().describe('Served at /v1 and /v1beta for this key.'),
  enabled: z.boolean().optional(),
  expires_at: z.iso.datetime({ offset: true }).optional(),
  ...optionalAccessKeyLimits,
  note: noteSchema.optional(),
})
export type AccessKeyConfig = z.infer<typeof accessKeyConfigSchema>

export const configFileSchema = z.strictObject({
  version: z.literal(1),
  settings: systemSettingsSchema.optional(),
  groups: z.array(groupConfigSchema).max(10_000).default([]),
  access_keys: z.array(accessKeyConfigSchema).max(100_000).default([]),
})
export type ConfigFile = z.infer<typeof configFileSchema>
