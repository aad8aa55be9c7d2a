import { z } from 'zod'
import { errorClasses } from '../error-class.ts'
import { endReasons } from '../log-event.ts'
import { idParameter, instantInputSchema, instantSchema, integerParameter } from './parameters.ts'
import { pageParameters } from './page.ts'

/** One row per request, its attempts beside it. Millisecond fields are null for what did not happen, counts for what is unknown. */
export const maxLogRangeMs = 31 * 86_400_000
export const defaultLogRangeMs = 86_400_000

const durationSchema = z.number().int().nullable()
const errorClassSchema = z.enum(errorClasses).nullable()

export const requestLogSchema = z.object({
  request_id: z.string(),
  received_at: instantSchema,
  edge: z.string(),
  group_id: z.number().int(),
  group_name: z.string(),
  member_group_id: z.number().int().nullable().describe('The member that served an aggregate.'),
  member_group_name: z.string().nullable(),
  channel: z.string(),
  method: z.string(),
  request_path: z.string(),
  model_requested: z.string(),
  model_sent: z.string(),
  is_stream: z.boolean(),
  access_key_id: z.number().int().nullable(),
  key_id: z.number().int().nullable(),
  key_hint: z.string(),
  upstream: z.string(),
  client_address: z.string(),
  user_agent: z.string(),
  status: z.number().int().describe('What the caller got; 499 = it left before.'),
  error_class: errorClassSchema,
  error_code: z.string(),
  error_message: z.string(),
  end_reason: z.enum(endReasons),
  first_byte_ms: durationSchema,
  first_token_ms: durationSchema,
  duration_ms: z.number().int(),
  bytes_in: z.number().int(),
  bytes_out: z.number().int(),
  tokens: z.object({
    input: z.number().int().nullable(),
    output: z.number().int().nullable(),
    cached: z.number().int().nullable(),
    reasoning: z.number().int().nullable(),
  }),
  attempt_count: z.number().int(),
})
export type RequestLog = z.infer<typeof requestLogSchema>

export const requestAttemptSchema = z.object({
  number: z.number().int(),
  group_id: z.number().int(),
  key_id: z.number().int().nullable(),
  key_hint: z.string(),
  upstream: z.string(),
  started_at: instantSchema,
  connect_ms: durationSchema,
  head_ms: durationSchema,
  end_ms: durationSchema,
  status: z.number().int().nullable(),
  error_class: errorClassSchema,
  error_code: z.string(),
  error_message: z.string(),
})
export type RequestAttempt = z.infer<typeof requestAttemptSchema>

export const requestLogDetailSchema = z.object({
  ...requestLogSchema.shape,
  attempts: z.array(requestAttemptSchema),
})
export type RequestLogDetail = z.infer<typeof requestLogDetailSchema>

export const logListQuerySchema = z.strictObject({
  ...pageParameters,
  from: instantInputSchema.optional().describe('Received at or after; left out: a day before `to`.'),
  to: instantInputSchema.optional().describe('Received before; left out: now. The range holds at most 31 days.'),
  group_id: idParameter.optional().describe('The group in the URL or the member that served it.'),
  access_key_id: idParameter.optional(),
  status: integerParameter({ min: 100, max: 999 }).optional(),
  request_id: z.string().min(1).max(64).optional(),
})
