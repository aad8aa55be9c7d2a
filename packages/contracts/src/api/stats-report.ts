import { z } from 'zod'
import { errorClasses } from '../error-class.ts'
import { maxBreakdownItems } from '../report-bounds.ts'
import { entityIdSchema, instantSchema, integerParameter, booleanParameter } from './parameters.ts'
import { scopeParameters, rangeParameters, seriesStepSchema, tokenSumsSchema } from './stats.ts'

/**
 * Reports over a range, all from the sums of log-ingest: no request is looked at, so a year costs as little as an hour.
 * Ranges are whole steps; the step is chosen by the length of the range when it is left out.
 */
export const statsDimensions = [
  'group',
  'member',
  'model',
  'model_sent',
  'access_key',
  'upstream',
  'channel',
  'status_class',
] as const

export const costSchema = z.object({
  usd: z.number(),
  unpriced_requests: z.number().int().describe('Requests with tokens of models that no price is known of.'),
})
export type Cost = z.infer<typeof costSchema>

const percentileSchema = z
  .object({
    p50: z.number(),
    p95: z.number(),
    p99: z.number(),
    requests: z.number().int().describe('Of how many requests.'),
  })
  .nullable()
export const latencySchema = z
  .object({ duration: percentileSchema, first_byte: percentileSchema, first_token: percentileSchema })
  .describe('Milliseconds, 5 % exact.')
export type Latency = z.infer<typeof latencySchema>

const sums = {
  requests: z.number().int(),
  failures: z.number().int().describe('Requests that ended in an error or broke off.'),
  retries: z.number().int().describe('Attempts after the first of each request.'),
  rescued: z.number().int().describe('Requests that succeeded by a retry.'),
  bytes_in: z.number().int(),
  bytes_out: z.number().int(),
  tokens: tokenSumsSchema,
  cost: costSchema,
}
export const reportSumsSchema = z.object(sums)
export type ReportSums = z.infer<typeof reportSumsSchema>

const range = { step: seriesStepSchema, from: instantSchema, to: instantSchema }
const reportParameters = { ...rangeParameters, step: seriesStepSchema.optional(), ...scopeParameters }
const latencyNote = 'null when the scope has more than one dimension: percentiles are kept for one at a time.'

export const statsSummaryQuerySchema = z.strictObject(reportParameters)
const periodSchema = z.object({
  from: instantSchema,
  to: instantSchema,
  ...sums,
  latency: latencySchema.nullable().describe(latencyNote),
})
export const statsSummarySchema = z.object({
  step: seriesStepSchema,
  current: periodSchema,
  previous: periodSchema.describe('As many steps before.'),
})
export type StatsSummary = z.infer<typeof statsSummarySchema>

export const breakdownOrders = ['requests', 'failures', 'tokens', 'cost'] as const
export const statsBreakdownQuerySchema = z.strictObject({
  ...reportParameters,
  by: z.enum(statsDimensions),
  top: integerParameter({ min: 1, max: maxBreakdownItems }).default(10),
  order: z.enum(breakdownOrders).default('requests'),
  compare: booleanParameter.default(false).describe('With the sums of as many steps before.'),
})
const breakdownRow = {
  ...sums,
  previous: reportSumsSchema.nullable().describe('null unless `compare`.'),
}
export const statsBreakdownSchema = z.object({
  ...range,
  by: z.enum(statsDimensions),
  items: z.array(
    z.object({
      value: z.union([z.string(), z.number().int()]).describe('Id or name; 0 or empty = none.'),
      name: z.string().nullable().describe('Of a group or access key that is still there.'),
      ...breakdownRow,
      latency: latencySchema.nullable().describe(`${latencyNote} And for dimensions that none are kept for.`),
    }),
  ),
  other: z
    .object({ values: z.number().int().describe('How many are left.'), ...breakdownRow })
    .nullable()
    .describe('What is not among the first, together; null when nothing is left.'),
})
export type StatsBreakdown = z.infer<typeof statsBreakdownSchema>

export const statsErrorsQuerySchema = z.strictObject({
  ...reportParameters,
  top: integerParameter({ min: 1, max: maxBreakdownItems }).default(20),
})
const errorClassSchema = z.enum([...errorClasses, '']).describe("Empty: the upstream's answer went through as it was.")
export const statsErrorsSchema = z.object({
  ...range,
  total: z.number().int(),
  by_class: z.array(z.object({ error_class: errorClassSchema, requests: z.number().int() })),
  by_code: z.array(
    z.object({
      error_class: errorClassSchema,
      status: z.number().int(),
      error_code: z.string(),
      requests: z.number().int(),
    }),
  ),
  other: z.number().int().describe('Failures whose code is not among the first.'),
  points: z.array(
    z.object({
      at: instantSchema,
      by_class: z.array(z.object({ error_class: errorClassSchema, requests: z.number().int() })),
    }),
  ),
})
export type StatsErrors = z.infer<typeof statsErrorsSchema>

export const statsLatencyQuerySchema = z.strictObject(reportParameters)
export const statsLatencySchema = z.object({
  ...range,
  points: z
    .array(z.object({ at: instantSchema, ...latencySchema.shape }))
    .nullable()
    .describe(`Oldest first, one per step; ${latencyNote}`),
})
export type StatsLatency = z.infer<typeof statsLatencySchema>

export const statsKeysQuerySchema = z.strictObject({
  ...rangeParameters,
  group_id: scopeParameters.group_id,
  order: z.enum(['requests', 'failures']).default('requests'),
  top: integerParameter({ min: 1, max: maxBreakdownItems }).default(20),
})
export const statsKeysSchema = z.object({
  from: instantSchema,
  to: instantSchema,
  items: z.array(
    z.object({
      key_id: z.number().int(),
      hint: z.string().nullable().describe('null = it was deleted.'),
      group_id: entityIdSchema,
      requests: z.number().int().describe('Attempts with this key.'),
      failures: z.number().int(),
      last_used_at: instantSchema,
    }),
  ),
})
export type StatsKeys = z.infer<typeof statsKeysSchema>

export const statsExportQuerySchema = z.strictObject({ ...reportParameters, by: z.enum(statsDimensions) })
