import { z } from 'zod'
import { jsonValueSchema } from '../json-value.ts'
import { instantInputSchema, instantSchema } from './parameters.ts'
import { pageParameters } from './page.ts'

/** Who changed what, newest first. One entry per change, in the transaction of the change itself. */
export const auditEntrySchema = z.object({
  id: z.number().int(),
  at: instantSchema,
  actor: z.string(),
  action: z.string().describe('e.g. `group.update`'),
  entity: z.string(),
  entity_id: z.string(),
  detail: z
    .record(z.string(), jsonValueSchema)
    .describe('Fields as they became; `changed` in place of secrets. `cut` holds the beginning of what was too long.'),
  revision: z.number().int().describe('Of the configuration after it.'),
  request_id: z.string(),
})
export type AuditEntry = z.infer<typeof auditEntrySchema>

export const auditListQuerySchema = z.strictObject({
  ...pageParameters,
  actor: z.string().min(1).max(100).optional(),
  entity: z.string().min(1).max(32).optional().describe('e.g. `group`'),
  entity_id: z.string().min(1).max(64).optional().describe('Only together with `entity`.'),
  from: instantInputSchema.optional().describe('At or after.'),
  to: instantInputSchema.optional().describe('Before.'),
})
