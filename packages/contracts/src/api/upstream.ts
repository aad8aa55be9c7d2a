import { z } from 'zod'
import { upstreamUrlSchema, weightSchema } from '../group-shape.ts'

/** `url` is shown with its credentials masked; sent back as it was shown, it keeps them. */
export const upstreamSchema = z.object({
  id: z.number().int(),
  url: z.string(),
  weight: z.number().int().nonnegative().describe('Share of the attempts; 0 = off.'),
})
export type Upstream = z.infer<typeof upstreamSchema>

export const upstreamInputSchema = z.strictObject({ url: upstreamUrlSchema, weight: weightSchema.default(1) })
export type UpstreamInput = z.infer<typeof upstreamInputSchema>

/** Replaces the whole list; an upstream whose URL stays keeps its id. */
export const upstreamListInputSchema = z
  .array(upstreamInputSchema)
  .min(1, 'a group needs at least one upstream')
  .max(100)
  .refine((upstreams) => upstreams.some(({ weight }) => weight > 0), 'at least one upstream needs a weight above 0')

export const upstreamListSchema = z.object({ items: z.array(upstreamSchema) })
