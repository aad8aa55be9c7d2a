import { z } from 'zod'
import { weightSchema } from '../group-shape.ts'
import { entityIdSchema } from './parameters.ts'

/** A standard group that serves an aggregate's requests, by its weight. */
export const aggregateMemberSchema = z.object({
  group_id: z.number().int(),
  name: z.string(),
  enabled: z.boolean(),
  weight: z.number().int().nonnegative().describe('Share of the requests; 0 = off.'),
})
export type AggregateMember = z.infer<typeof aggregateMemberSchema>

export const aggregateMemberInputSchema = z.strictObject({
  group_id: entityIdSchema,
  weight: weightSchema.default(1),
})
export type AggregateMemberInput = z.infer<typeof aggregateMemberInputSchema>

export const aggregateMemberListInputSchema = z
  .array(aggregateMemberInputSchema)
  .max(100)
  .superRefine((members, context) => {
    const seen = new Set<number>()
    for (const [index, { group_id }] of members.entries()) {
      if (seen.has(group_id))
        context.addIssue({ code: 'custom', path: [index, 'group_id'], message: 'this group is in the list already' })
      seen.add(group_id)
    }
  })

export const aggregateMemberListSchema = z.object({ items: z.array(aggregateMemberSchema) })
export const memberWeightSchema = z.strictObject({ weight: weightSchema })
