import { z } from 'zod'
import { jsonValueSchema } from '../json-value.ts'
import {
  channelTypeSchema,
  groupNameSchema,
  headerRulesSchema,
  modelRedirectsSchema,
  paramOverridesSchema,
  validationEndpointSchema,
} from '../group-shape.ts'
import { causeSchema } from '../key-facts.ts'
import { keyStates } from '../key-state.ts'
import { groupSettingNames, settingsRegistry } from '../settings.ts'
import { groupSettingsSchema, settingSchema } from '../settings-schema.ts'
import { aggregateMemberListInputSchema, aggregateMemberSchema } from './aggregate-member.ts'
import { managedFieldsSchema } from './managed-fields.ts'
import { booleanParameter, entityIdSchema, instantSchema } from './parameters.ts'
import { pageParameters } from './page.ts'
import { upstreamListInputSchema, upstreamSchema } from './upstream.ts'

export const groupKinds = ['standard', 'aggregate'] as const
export type GroupKind = (typeof groupKinds)[number]

/** Stands for a secret value in answers; sent back, it means: keep what is stored. */
export const maskedValue = '********'

export const keyCountsSchema = z.object({
  total: z.number().int(),
  ...(Object.fromEntries(keyStates.map((state) => [state, z.number().int()])) as Record<
    (typeof keyStates)[number],
    z.ZodNumber
  >),
})

export const groupSchema = z.object({
  id: z.number().int(),
  name: z.string(),
  kind: z.enum(groupKinds),
  channel: channelTypeSchema,
  display_name: z.string(),
  description: z.string(),
  enabled: z.boolean(),
  sort: z.number().int(),
  endpoint: z.string().describe('Where callers reach it, relative to the public address.'),
  test_model: z.string(),
  validation_endpoint: z.string(),
  upstreams: z.array(upstreamSchema),
  members: z.array(aggregateMemberSchema),
  param_overrides: z.record(z.string(), jsonValueSchema),
  header_rules: z.array(z.object({ key: z.string(), value: z.string(), action: z.enum(['set', 'remove']) })),
  model_redirects: modelRedirectsSchema,
  model_redirect_strict: z.boolean(),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  key_counts: keyCountsSchema,
  keys_out: z
    .array(z.object({ cause: causeSchema.shape.class, keys: z.number().int() }))
    .describe('Keys that are not active, by the class of the cause; most first.'),
  managed_by: z.string().nullable(),
  managed_fields: managedFieldsSchema,
  revision: z.number().int(),
  created_at: instantSchema,
  updated_at: instantSchema,
})
export type Group = z.infer<typeof groupSchema>

const sortSchema = z.number().int().min(0).max(1_000_000)

const optionalFields = {
  display_name: z.string().trim().max(255).optional(),
  description: z.string().trim().max(512).optional(),
  enabled: z.boolean().optional(),
  sort: sortSchema.optional(),
  test_model: z.string().trim().min(1).max(255).optional(),
  validation_endpoint: validationEndpointSchema.optional(),
  param_overrides: paramOverridesSchema.optional(),
  header_rules: headerRulesSchema.optional(),
  model_redirects: modelRedirectsSchema.optional(),
  model_redirect_strict: z.boolean().optional(),
}

/** `test_model` is the channel's own when it is left out. An aggregate has members in place of upstreams and keys. */
export const groupCreateSchema = z
  .strictObject({
    name: groupNameSchema,
    kind: z.enum(groupKinds).default('standard'),
    channel: channelTypeSchema,
    ...optionalFields,
    upstreams: upstreamListInputSchema.optional(),
    members: aggregateMemberListInputSchema.optional(),
    settings: groupSettingsSchema.optional(),
  })
  .superRefine((group, context) => {
    const isAggregate = group.kind === 'aggregate'
    const refuse = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message })
    if (!isAggregate && group.upstreams === undefined) refuse('upstreams', 'a standard group needs an upstream')
    if (!isAggregate && group.members !== undefined) refuse('members', 'only an aggregate has members')
    if (isAggregate && (group.upstreams?.length ?? 0) > 0)
      refuse('upstreams', 'an aggregate has no upstreams of its own')
    if (isAggregate && group.test_model !== undefined) refuse('test_model', 'an aggregate is not probed itself')
  })
export type GroupCreate = z.infer<typeof groupCreateSchema>

/** Merge patch (RFC 7396) over settings: a member that is null goes back to the system's value. */
const settingsPatchSchema = z.strictObject(
  Object.fromEntries(
    groupSettingNames.map((name) => [
      name,
      settingSchema(settingsRegistry[name]).nullable().optional().describe(settingsRegistry[name].description),
    ]),
  ),
) as unknown as z.ZodType<Record<string, string | number | boolean | null | undefined>>

/** Where RFC 7396 would merge: a null in them is a value of the caller's, and cannot mean that a member goes. */
const wholeInPatch = 'Replaced as a whole, not merged: a null inside is a value. null clears it.'

/**
 * Merge patch: what is left out stays, null clears. Upstreams, members, rules, overrides and redirects are replaced
 * whole; `settings` is merged member by member. The kind of a group never changes.
 */
export const groupPatchSchema = z.strictObject({
  name: groupNameSchema.optional(),
  channel: channelTypeSchema.optional(),
  display_name: optionalFields.display_name.nullable(),
  description: optionalFields.description.nullable(),
  enabled: optionalFields.enabled,
  sort: optionalFields.sort,
  test_model: optionalFields.test_model.nullable(),
  validation_endpoint: optionalFields.validation_endpoint.nullable(),
  param_overrides: optionalFields.param_overrides.nullable().describe(wholeInPatch),
  header_rules: optionalFields.header_rules.nullable(),
  model_redirects: optionalFields.model_redirects.nullable().describe(wholeInPatch),
  model_redirect_strict: optionalFields.model_redirect_strict,
  upstreams: upstreamListInputSchema.optional(),
  members: aggregateMemberListInputSchema.optional(),
  settings: settingsPatchSchema.nullable().optional(),
})
export type GroupPatch = z.infer<typeof groupPatchSchema>

/**
 * Keys come along fresh, as an import would add them; only those that a person disabled stay so. `valid`: without those, and
 * without what is condemned. A task copies them; the answer waits for it, ten seconds at most.
 */
export const groupCopySchema = z.strictObject({
  name: groupNameSchema,
  keys: z.enum(['none', 'all', 'valid']).default('none'),
})

export const groupOrderSchema = z
  .array(z.strictObject({ id: entityIdSchema, sort: sortSchema }))
  .min(1)
  .max(1_000)
  .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, 'names a group twice')

export const groupListQuerySchema = z.strictObject({
  ...pageParameters,
  kind: z.enum(groupKinds).optional(),
  channel: channelTypeSchema.optional(),
  enabled: booleanParameter.optional(),
  search: z.string().trim().max(100).optional().describe('Part of name, display name or description.'),
})
