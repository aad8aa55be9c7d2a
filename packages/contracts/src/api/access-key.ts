import { z } from 'zod'
import { accessKeyLimitsShape, optionalAccessKeyLimits } from '../access-key-limits-schema.ts'
import { accessKeyTokenSchema, noteSchema } from '../group-shape.ts'
import { managedFieldsSchema } from './managed-fields.ts'
import { booleanParameter, entityIdSchema, idParameter, instantInputSchema, instantSchema } from './parameters.ts'
import { pageParameters } from './page.ts'

/** What callers of the proxy authenticate with. The token is answered once, when it is created, and is nowhere stored. */
export const accessKeyPrefix = 'gpl_'

export const accessKeySchema = z.object({
  id: z.number().int(),
  name: z.string(),
  hint: z.string().describe('`prefix…suffix#id`'),
  all_groups: z.boolean(),
  group_ids: z.array(z.number().int()),
  default_group_id: z.number().int().nullable().describe('Served at /v1 and /v1beta; null = the group `default`.'),
  enabled: z.boolean(),
  expires_at: instantSchema.nullable(),
  ...accessKeyLimitsShape,
  note: z.string(),
  managed_by: z.string().nullable(),
  managed_fields: managedFieldsSchema,
  revision: z.number().int(),
  created_at: instantSchema,
  updated_at: instantSchema,
})
export type AccessKey = z.infer<typeof accessKeySchema>

const groupIdsSchema = z
  .array(entityIdSchema)
  .max(1_000)
  .refine((ids) => new Set(ids).size === ids.length, 'names a group twice')
const nameSchema = z.string().trim().min(1).max(100)

export const accessKeyCreateSchema = z
  .strictObject({
    name: nameSchema,
    key: accessKeyTokenSchema.optional().describe('Left out: a random one is made.'),
    all_groups: z.boolean().default(false),
    group_ids: groupIdsSchema.default([]),
    default_group_id: entityIdSchema.nullable().optional(),
    enabled: z.boolean().default(true),
    expires_at: instantInputSchema.nullable().optional(),
    ...optionalAccessKeyLimits,
    note: noteSchema.optional(),
  })
  .refine(({ all_groups, group_ids }) => !all_groups || group_ids.length === 0, {
    path: ['group_ids'],
    message: 'all groups are open already: leave it out',
  })
export type AccessKeyCreate = z.infer<typeof accessKeyCreateSchema>

export const accessKeyCreatedSchema = z.object({
  ...accessKeySchema.shape,
  key: z.string().describe('The token. It is not shown again.'),
})

export const accessKeyPatchSchema = z.strictObject({
  name: nameSchema.optional(),
  all_groups: z.boolean().optional(),
  group_ids: groupIdsSchema.optional(),
  default_group_id: entityIdSchema.nullable().optional(),
  enabled: z.boolean().optional(),
  expires_at: instantInputSchema.nullable().optional(),
  ...optionalAccessKeyLimits,
  note: noteSchema.nullable().optional(),
})
export type AccessKeyPatch = z.infer<typeof accessKeyPatchSchema>

export const accessKeyListQuerySchema = z.strictObject({
  ...pageParameters,
  enabled: booleanParameter.optional(),
  group_id: idParameter.optional().describe('Only those that open this group.'),
  search: z.string().trim().max(100).optional().describe('Part of name or note.'),
})
