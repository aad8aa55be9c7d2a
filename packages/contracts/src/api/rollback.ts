import { z } from 'zod'
import { policyEntities } from '../policy-entities.ts'
import { instantSchema } from './parameters.ts'
import { pageParameters } from './page.ts'

export const policyRevisionSchema = z.object({
  revision: z.number().int(),
  at: instantSchema,
  changes: z
    .array(z.object({ actor: z.string(), action: z.string(), entity: z.string(), entity_id: z.string() }))
    .describe('From the audit log.'),
})
export type PolicyRevision = z.infer<typeof policyRevisionSchema>
export const policyRevisionListQuerySchema = z.strictObject({
  ...pageParameters,
  entity: z.enum(policyEntities).optional().describe('That changed one of these.'),
  actor: z.string().min(1).max(100).optional().describe('That this one made; the whole name.'),
})

export const rollbackInputSchema = z.strictObject({
  revision: z.number().int().min(0).describe('The state after this revision.'),
})
export const rollbackApplySchema = z.strictObject({
  ...rollbackInputSchema.shape,
  expected_revision: z
    .number()
    .int()
    .optional()
    .describe('`policy_revision` of the plan: when a policy has changed since, nothing is done (409).'),
})

export const rollbackActions = ['restore', 'create', 'disable', 'keep'] as const
export const rollbackChangeSchema = z.object({
  entity: z.enum(policyEntities),
  entity_id: z.number().int(),
  name: z.string(),
  action: z
    .enum(rollbackActions)
    .describe(
      '`create`: deleted since, comes back without its keys. `disable`: made since. `keep`: an access key that was revoked since stays so.',
    ),
  fields: z
    .array(z.object({ field: z.string(), from: z.string(), to: z.string() }))
    .describe('As JSON, secrets masked; cut at 500 characters.'),
})
export type RollbackChange = z.infer<typeof rollbackChangeSchema>

export const rollbackPlanSchema = z.object({
  revision: z.number().int(),
  policy_revision: z.number().int().describe('The last one that changed a policy.'),
  changes: z.array(rollbackChangeSchema),
})
export type RollbackPlan = z.infer<typeof rollbackPlanSchema>
