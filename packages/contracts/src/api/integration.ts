import { z } from 'zod'
import { channelTypes } from '../channel-types.ts'

/** `GET /api/integration/info` and `GET /proxy/{group}/api/integration/info`, as GPT-Load has them (admin-api.md 9). */
export const integrationEntrySchema = z.object({
  name: z.string(),
  display_name: z.string(),
  channel_type: z.enum([...channelTypes, 'custom']),
  path: z.string(),
})
export type IntegrationEntry = z.infer<typeof integrationEntrySchema>
