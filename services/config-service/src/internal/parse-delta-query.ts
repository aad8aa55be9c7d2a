import { epochSchema } from '@gpt-load/contracts/snapshot'
import { maxDeltaWaitMs, type DeltaRequest } from '@gpt-load/transport/internal-api'
import { z } from 'zod'

const querySchema = z.object({
  epoch: epochSchema,
  since: z.coerce.number().int().nonnegative(),
  cursor: z.string().max(1_024).optional(),
  /** Seconds. */
  wait: z.coerce
    .number()
    .min(0)
    .max(maxDeltaWaitMs / 1_000)
    .optional(),
})

/** Null when it is not a delta's query. */
export function parseDeltaQuery(parameters: URLSearchParams): DeltaRequest | null {
  const result = querySchema.safeParse(Object.fromEntries(parameters))
  if (!result.success) return null
  const { epoch, since, cursor, wait } = result.data
  return {
    epoch,
    since,
    ...(cursor !== undefined && { cursor }),
    ...(wait !== undefined && { waitMs: wait * 1_000 }),
  }
}
