import { z } from 'zod'
import { instantSchema } from './parameters.ts'

/** How long a group's keys last: what edges have learnt of quotas, what is burnt now, and when keys return. */
export const capacitySchema = z.object({
  group_id: z.number().int(),
  group: z.string(),
  usable_keys: z.number().int(),
  total_keys: z.number().int(),
  known_keys: z.number().int().describe('Usable keys of which a quota is known; the others are taken to be like them.'),
  requests_per_minute: z
    .number()
    .int()
    .nullable()
    .describe('Tried on keys in the last minute, over all edges; null: no edge has told of this group.'),
  tokens_per_minute: z.number().int().nullable(),
  requests_headroom_per_minute: z
    .number()
    .int()
    .nullable()
    .describe('What could be added until the known windows have ended once; null: nothing is learnt.'),
  tokens_headroom_per_minute: z.number().int().nullable(),
  limited_by: z.enum(['keys', 'requests', 'tokens']).nullable().describe('What runs out first.'),
  runs_dry_at: instantSchema.nullable().describe('At the present burn; null: not foreseen.'),
  relief_at: instantSchema.nullable().describe('When the first window ends, or the first key returns, after that.'),
  keys_needed: z.number().int().describe('Keys that would carry the burn from then to the relief.'),
})
export type Capacity = z.infer<typeof capacitySchema>

export const capacityListSchema = z.object({ items: z.array(capacitySchema) })
