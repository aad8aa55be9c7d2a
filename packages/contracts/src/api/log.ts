import { z } from 'zod'
import { contentBodySchema } from '../content-record.ts'
import { errorClasses } from '../error-class.ts'
import { endReasons } from '../log-event.ts'
import { booleanParameter, idParameter, instantInputSchema, instantSchema, integerParameter } from './parameters.ts'
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

/**
 * By an index: time, request, group, access key, key, and errors. Everything else is looked for in what those leave, at most
 * `logScanBounds` per call: an answer then has what was found so far, and its cursor goes on where it stopped. With this time an
 * answer comes within 100 ms: what is found early in a long search is shown at once.
 */
export const logScanBounds = { ms: 75, rows: 200_000 } as const

const countParameter = integerParameter({ min: 0, max: 2_147_483_647 }).optional()
const scopeFilters = {
  group_id: idParameter.optional().describe('The group in the URL or the member that served it.'),
  access_key_id: idParameter.optional(),
  status: integerParameter({ min: 100, max: 999 }).optional(),
  status_class: integerParameter({ min: 1, max: 9 }).optional().describe('5 = 500 to 599.'),
  model: z.string().min(1).max(255).optional().describe('As asked for, or as sent.'),
  failed: booleanParameter.optional().describe('Ended in an error or broke off; false = neither.'),
}
const filters = {
  ...scopeFilters,
  key_id: integerParameter({ min: 1 }).optional().describe('Of the last attempt.'),
  request_id: z.string().min(1).max(64).optional(),
  error_class: z.enum(errorClasses).optional(),
  error_code: z.string().min(1).max(100).optional(),
  error: z.string().min(1).max(200).optional().describe('Part of the error text, upper and lower case alike.'),
  upstream: z.string().min(1).max(500).optional(),
  client_address: z.string().min(1).max(64).optional(),
  stream: booleanParameter.optional(),
  min_duration_ms: countParameter,
  max_duration_ms: countParameter,
  min_first_token_ms: countParameter,
  max_first_token_ms: countParameter,
  min_tokens: countParameter.describe('Input and output together.'),
  max_tokens: countParameter,
}
const range = {
  from: instantInputSchema.optional().describe('Received at or after; left out: a day before `to`.'),
  to: instantInputSchema.optional().describe('Received before; left out: now. The range holds at most 31 days.'),
}
const order = z.enum(['newest', 'oldest']).default('newest').describe('Which come first.')

export const logListQuerySchema = z.strictObject({ ...pageParameters, ...range, order, ...filters })
export const logExportQuerySchema = z.strictObject({ ...range, order, ...filters })
export const logTailQuerySchema = z.strictObject(scopeFilters)

export const logPageSchema = z.object({
  items: z.array(requestLogSchema),
  next_cursor: z.string().nullable().describe('null = searched to the end of the range.'),
  previous_cursor: z
    .string()
    .nullable()
    .describe('Reads from the first item on in the other direction: its items come in that order.'),
  searched_until: instantSchema.describe('How far this answer has looked.'),
})
export type LogPage = z.infer<typeof logPageSchema>

const contentSideSchema = contentBodySchema.nullable().describe('null = it was not recorded, or is gone by now.')
export const logContentSchema = z.object({
  request_id: z.string(),
  received_at: instantSchema,
  group_id: z.number().int().describe('The group in the URL, which decided what is recorded.'),
  request: contentSideSchema,
  response: contentSideSchema,
})
export type LogContent = z.infer<typeof logContentSchema>
