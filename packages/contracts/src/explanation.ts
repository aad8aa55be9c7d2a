import { z } from 'zod'
import { epochSchema, revisionSchema } from './snapshot.ts'

/**
 * What an edge would do with a request, told by the edge itself: config-service hands a question to the next edge that
 * reports (`questions` in the answer to a report), the edge answers with `POST /internal/explanations`.
 */
export const maxQuestionsPerReport = 4
/** A question that nobody has answered by then is dropped. */
export const questionLifetimeMs = 5_000

const headerPairSchema = z.tuple([z.string(), z.string()])

/** A request, as far as a dry run needs it. Holds no credential: whoever asks names the access key by its id. */
export const explainedRequestSchema = z.object({
  /** '' = the access key's default group. */
  group: z.string().max(255),
  /** Null: as with a key that opens every group. */
  access_key_id: z.number().int().positive().nullable(),
  method: z.string().min(1).max(16),
  /** Behind the group, with its query. */
  path: z.string().startsWith('/').max(8_192),
  headers: z.array(headerPairSchema).max(100),
  body: z.string().max(32_768),
  client_address: z.string().max(64),
})
export type ExplainedRequest = z.infer<typeof explainedRequestSchema>

const questionIdSchema = z.string().regex(/^[0-9a-f]{32}$/)
export const edgeQuestionSchema = z.object({ id: questionIdSchema, request: explainedRequestSchema })
export type EdgeQuestion = z.infer<typeof edgeQuestionSchema>

export const candidateReasons = [
  'cooling',
  'exhausted',
  'invalid',
  'disabled',
  'limited_for_model',
  'at_cap',
  'quota_spent',
] as const

const stepSchema = z.object({
  group: z.string(),
  key_id: z.number().int(),
  key_hint: z.string(),
  upstream: z.string(),
  is_trial: z.boolean().describe('The circuit of the upstream is not closed: this attempt would decide about it.'),
  wait_ms: z.number().int().describe('Longest back-off before it.'),
})

export const explanationSchema = z.object({
  edge: z.string(),
  epoch: epochSchema.or(z.literal('')),
  revision: revisionSchema.describe('Of the plan that this was computed from.'),
  refusal: z
    .object({ code: z.string(), status: z.number().int(), retry_after_s: z.number().int() })
    .nullable()
    .describe('What the caller would get without any attempt; null = it would be tried.'),
  group: z.string().describe("Empty = none was found; otherwise the one of the URL, or the access key's default."),
  access_key: z.object({ id: z.number().int(), name: z.string() }).nullable(),
  model: z.string().describe('As asked for; empty = the request names none.'),
  is_stream: z.boolean(),
  key_choice: z
    .enum(['rotation', 'weighted', 'least_in_flight', 'maker', 'sticky', 'session', 'none'])
    .describe('maker: the key that made what the request names; sticky: one key per access key on stateful paths.'),
  candidates: z
    .array(
      z.object({
        group: z.string(),
        is_enabled: z.boolean(),
        offers_model: z.boolean(),
        model_sent: z.string(),
        keys: z.number().int(),
        active: z.number().int().describe('Usable for this request now.'),
        suspect: z.number().int().describe('Used when no active one is left.'),
        out: z.array(z.object({ reason: z.enum(candidateReasons), keys: z.number().int() })),
        surveyed: z
          .number()
          .int()
          .describe('Usable keys that were looked at one by one; less than all of them in very large groups.'),
        upstreams: z.array(
          z.object({
            upstream: z.string(),
            weight: z.number().int(),
            circuit: z.enum(['closed', 'open', 'half_open']),
            retry_in_ms: z.number().int(),
            consecutive_failures: z.number().int(),
          }),
        ),
      }),
    )
    .describe('The group, or the members of the aggregate.'),
  attempt: z
    .object({
      ...stepSchema.shape,
      model: z.string(),
      method: z.string(),
      url: z.string(),
      headers: z.array(headerPairSchema).describe('After all rules; keys are masked.'),
      is_body_rewritten: z.boolean(),
    })
    .nullable()
    .describe('The first one.'),
  ladders: z
    .array(
      z.object({
        on_status: z.number().int(),
        is_retried: z.boolean().describe('By error class, failover codes and the rules of the group.'),
        steps: z.array(stepSchema),
      }),
    )
    .describe('The attempts that would follow each other if every upstream answered with that status.'),
})
export type Explanation = z.infer<typeof explanationSchema>

export const explanationPostSchema = z.object({ id: questionIdSchema, explanation: explanationSchema })
export type ExplanationPost = z.infer<typeof explanationPostSchema>
