import { z } from 'zod'
import { epochSchema } from './snapshot.ts'

/**
 * Which key made a resource at the provider (a file, a batch, a stored response). Edges learn it from answers and tell it
 * with `POST /internal/resource-keys`; with `GET /internal/resource-keys?epoch=E[&after=N]` they hear what others have learnt.
 * The resource is the 64-bit hash of group and id (proxy-edge, hash-text): ids themselves are nobody's business here.
 */
export const maxResourcesPerPost = 1_000
export const maxResourcesPerAnswer = 5_000
/** Rows that are kept; the oldest go first. */
export const maxStoredResources = 1_000_000

const int32 = z.number().int().min(-0x8000_0000).max(0x7fff_ffff)
export const learntResourceSchema = z.object({
  high: int32,
  low: int32,
  key_id: z.number().int().positive(),
  /** Epoch ms. */
  expires_at: z.number().int().positive(),
})
export type LearntResource = z.infer<typeof learntResourceSchema>

export const resourcePostSchema = z.object({
  epoch: epochSchema,
  resources: z.array(learntResourceSchema).min(1).max(maxResourcesPerPost),
})
export type ResourcePost = z.infer<typeof resourcePostSchema>

export const resourceQuestionSchema = z.object({
  epoch: epochSchema,
  after: z.coerce.number().int().nonnegative().optional(),
})

export const resourceAnswerSchema = z.object({
  resources: z.array(learntResourceSchema).max(maxResourcesPerAnswer),
  /** Ask from here on next; a row that was stored at the same time may still come before it. */
  last: z.number().int().nonnegative(),
})
export type ResourceAnswer = z.infer<typeof resourceAnswerSchema>
