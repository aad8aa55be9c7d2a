import { z } from 'zod'
import { jsonValueSchema } from './json-value.ts'

/** Errors of the admin API: problem+json (RFC 9457) with JSON pointers to the wrong fields. */
export const problemCodes = {
  bad_request: { status: 400, title: 'The request could not be read' },
  validation_failed: { status: 400, title: 'Some fields are wrong' },
  unauthorized: { status: 401, title: 'No valid admin key' },
  forbidden: { status: 403, title: 'This is not allowed' },
  cross_origin: { status: 403, title: 'The request comes from another site' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  duplicate: { status: 409, title: 'It exists already' },
  conflict: { status: 409, title: 'The state does not allow this' },
  plan_outdated: { status: 409, title: 'The configuration has changed since the plan' },
  idempotency_in_progress: { status: 409, title: 'A request with this Idempotency-Key is under way' },
  idempotency_replay: { status: 409, title: 'It was done before; its answer is lost' },
  gone: { status: 410, title: 'It is no longer there' },
  precondition_failed: { status: 412, title: 'It has changed since you read it' },
  payload_too_large: { status: 413, title: 'Too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported content type' },
  idempotency_mismatch: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  precondition_required: { status: 428, title: 'If-Match is required' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The server failed' },
  unavailable: { status: 503, title: 'A dependency is away' },
} as const satisfies Record<string, { status: number; title: string }>
export type ProblemCode = keyof typeof problemCodes

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  /** Stable, for programs. */
  code: z.enum(Object.keys(problemCodes) as [ProblemCode, ...ProblemCode[]]),
  request_id: z.string().optional(),
  current: jsonValueSchema.optional().describe('With `precondition_failed`: the object as it is now.'),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
})
export type Problem = z.infer<typeof problemSchema>
