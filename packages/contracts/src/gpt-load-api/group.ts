import { z } from 'zod'
import { jsonValueSchema } from '../json-value.ts'
import { groupKinds } from '../api/group.ts'
import { instantSchema } from '../api/parameters.ts'
import { channelTypeSchema } from '../group-shape.ts'

/** A group as GPT-Load shows it. `proxy_keys`: access keys of this group only, masked, between commas. */
export const gptLoadGroupSchema = z.object({
  id: z.number().int(),
  name: z.string(),
  endpoint: z.url(),
  display_name: z.string(),
  description: z.string(),
  group_type: z.enum(groupKinds),
  upstreams: z.array(z.object({ url: z.string(), weight: z.number().int() })),
  channel_type: channelTypeSchema,
  sort: z.number().int(),
  test_model: z.string(),
  validation_endpoint: z.string(),
  param_overrides: z.record(z.string(), jsonValueSchema).nullable(),
  model_redirect_rules: z.record(z.string(), jsonValueSchema),
  model_redirect_strict: z.boolean(),
  config: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullable(),
  header_rules: z.array(z.object({ key: z.string(), value: z.string(), action: z.string() })).nullable(),
  proxy_keys: z.string(),
  last_validated_at: instantSchema.nullable(),
  created_at: instantSchema,
  updated_at: instantSchema,
  enabled: z.boolean(),
  revision: z.number().int(),
})
export type GptLoadGroup = z.infer<typeof gptLoadGroupSchema>

/**
 * What a group is written with: JSON types only, the rules are those of our own group. Unknown members are ignored, since
 * scripts send back what they have read; null means the same as left out.
 */
export const gptLoadGroupInputSchema = z.object({
  name: z.string().nullish(),
  display_name: z.string().nullish(),
  description: z.string().nullish(),
  group_type: z.string().nullish(),
  upstreams: z.array(z.object({ url: z.string(), weight: z.number().int().optional() })).nullish(),
  channel_type: z.string().nullish(),
  sort: z.number().int().nullish(),
  test_model: z.string().nullish(),
  validation_endpoint: z.string().nullish(),
  param_overrides: z.record(z.string(), jsonValueSchema).nullish(),
  model_redirect_rules: z.record(z.string(), jsonValueSchema).nullish(),
  model_redirect_strict: z.boolean().nullish(),
  config: z.record(z.string(), jsonValueSchema).nullish(),
  header_rules: z
    .array(z.object({ key: z.string(), value: z.string().optional(), action: z.string().optional() }))
    .nullish(),
  proxy_keys: z.string().nullish(),
  enabled: z.boolean().nullish(),
})
export type GptLoadGroupInput = z.infer<typeof gptLoadGroupInputSchema>

export const gptLoadGroupNameSchema = z.object({ id: z.number().int(), name: z.string(), display_name: z.string() })
export const gptLoadConfigOptionSchema = z.object({
  key: z.string(),
  name: z.string(),
  description: z.string(),
  default_value: z.union([z.string(), z.number(), z.boolean()]),
})

export const gptLoadOrderInputSchema = z.object({
  items: z.array(z.object({ id: z.number().int(), sort: z.number().int() })),
})

const totalsSchema = z.object({
  total_requests: z.number().int(),
  failed_requests: z.number().int(),
  failure_rate: z.number().min(0).max(1),
})
export const gptLoadGroupStatsSchema = z.object({
  key_stats: z.object({
    total_keys: z.number().int(),
    active_keys: z.number().int(),
    invalid_keys: z.number().int(),
  }),
  stats_24_hour: totalsSchema,
  stats_7_day: totalsSchema,
  stats_30_day: totalsSchema,
})

/** Its name -> ours. */
export const gptLoadCopyModes = { all: 'all', valid_only: 'valid', none: 'none' } as const
export const gptLoadCopyInputSchema = z.object({ copy_keys: z.string().nullish() })
export const gptLoadCopySchema = z.object({ group: gptLoadGroupSchema })

export const gptLoadSubGroupSchema = z.object({
  group: gptLoadGroupSchema,
  weight: z.number().int(),
  total_keys: z.number().int(),
  active_keys: z.number().int(),
  invalid_keys: z.number().int(),
})
export const gptLoadSubGroupsInputSchema = z.object({
  sub_groups: z.array(z.object({ group_id: z.number().int(), weight: z.number().int() })),
})
export const gptLoadWeightInputSchema = z.object({ weight: z.number().int() })
export const gptLoadParentSchema = z.object({
  group_id: z.number().int(),
  name: z.string(),
  display_name: z.string(),
  weight: z.number().int(),
})
