import { z } from 'zod'
import { instantSchema } from '../api/parameters.ts'
import { errorClasses } from '../error-class.ts'
import { gptLoadPageSchema } from './envelope.ts'

/** The log as GPT-Load keeps it: a row per attempt. `key_value` is in clear for `secrets:read`; so is `request_body`, of groups that record it. */
export const gptLoadRequestTypes = ['retry', 'final'] as const

export const gptLoadLogSchema = z.object({
  id: z.string(),
  timestamp: instantSchema,
  group_id: z.number().int(),
  group_name: z.string(),
  parent_group_id: z.number().int(),
  parent_group_name: z.string(),
  key_value: z.string(),
  key_hash: z.string(),
  model: z.string(),
  is_success: z.boolean(),
  source_ip: z.string(),
  status_code: z.number().int(),
  request_path: z.string(),
  duration_ms: z.number().int(),
  error_message: z.string(),
  user_agent: z.string(),
  request_type: z.enum(gptLoadRequestTypes),
  upstream_addr: z.string(),
  is_stream: z.boolean(),
  request_body: z.string(),
  request_id: z.string(),
  attempt: z.number().int(),
  method: z.string(),
  ttfb_ms: z.number().int().nullable(),
  error_class: z.enum(errorClasses).nullable(),
  prompt_tokens: z.number().int().nullable(),
  completion_tokens: z.number().int().nullable(),
  access_key_id: z.number().int().nullable(),
  edge: z.string(),
})
export type GptLoadLog = z.infer<typeof gptLoadLogSchema>

/** Rows that are counted and paged; an export goes through all. */
export const maxGptLoadLogRows = 10_000
export const gptLoadLogPageSchema = gptLoadPageSchema(gptLoadLogSchema).extend({
  total_is_estimate: z.literal(true).optional().describe('There are more than are counted.'),
})
