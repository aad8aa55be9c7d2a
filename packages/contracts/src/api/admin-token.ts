import { z } from 'zod'
import { scopes } from './endpoint.ts'
import { pageParameters } from './page.ts'
import { instantInputSchema, instantSchema } from './parameters.ts'

/** Named keys of the admin API for machines. The token is answered once, when it is created, and is nowhere stored. */
export const adminTokenPrefix = 'gla_'

export const adminTokenSchema = z.object({
  id: z.number().int(),
  name: z.string(),
  hint: z.string().describe('`prefix…suffix#id`'),
  scopes: z.array(z.enum(scopes)),
  expires_at: instantSchema.nullable(),
  created_by: z.string(),
  created_at: instantSchema,
  last_used_at: instantSchema.nullable().describe('Within five minutes.'),
})
export type AdminToken = z.infer<typeof adminTokenSchema>

export const adminTokenCreateSchema = z.strictObject({
  name: z.string().trim().min(1).max(80).describe('Changes are recorded under `token:NAME`.'),
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .max(scopes.length)
    .refine((list) => new Set(list).size === list.length, 'names a scope twice')
    .describe('At most those of who creates it.'),
  expires_at: instantInputSchema.nullable().optional().describe('Left out or null: never.'),
})
export type AdminTokenCreate = z.infer<typeof adminTokenCreateSchema>

export const adminTokenCreatedSchema = z.object({
  ...adminTokenSchema.shape,
  token: z.string().describe('It is not shown again.'),
})

export const adminTokenListQuerySchema = z.strictObject({
  ...pageParameters,
  search: z.string().trim().max(100).optional().describe('Part of the name.'),
})
