import { z } from 'zod'

/**
 * What was sent and answered in one request, as far as its group records it. Redacted and cut where it was captured: nothing
 * else ever leaves the edge. Apart from the request's record in topic, table and retention, and not part of what may not be lost.
 */
export const contentBodySchema = z.object({
  content_type: z.string(),
  /** '' where `omitted` says why. */
  text: z.string(),
  /** There was more. */
  is_cut: z.boolean(),
  /** `binary`: not text. `encoding`: a content coding that is not known, or damaged. */
  omitted: z.enum(['', 'binary', 'encoding']),
})
export type ContentBody = z.infer<typeof contentBodySchema>

export const contentRecordSchema = z.object({
  request_id: z.string(),
  /** Epoch ms. */
  received_at: z.number().int(),
  group_id: z.number().int(),
  /** null = it was not recorded. */
  request: contentBodySchema.nullable(),
  response: contentBodySchema.nullable(),
})
export type ContentRecord = z.infer<typeof contentRecordSchema>

export const contentTopic = 'request-content'
/** Of a content type. */
export const maxContentTypeChars = 100
