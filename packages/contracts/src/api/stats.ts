import { z } from 'zod'
import { groupKinds, keyCountsSchema } from './group.ts'
import { idParameter, instantInputSchema, instantSchema } from './parameters.ts'

/** What a dashboard shows first. Counts are kept as they change and requests are summed up by log-ingest: asking is cheap. */
export const maxOverviewGroups = 1_000

const requestTotalsSchema = z.object({
  from: instantSchema.describe('Begin of the first whole minute (hour) that is counted.'),
  requests: z.number().int(),
  failures: z.number().int().describe('Requests that ended in an error or broke off.'),
})

export const statsOverviewSchema = z.object({
  groups: z.object({ total: z.number().int(), enabled: z.number().int() }),
  keys: keyCountsSchema,
  by_group: z
    .array(
      z.object({
        id: z.number().int(),
        name: z.string(),
        display_name: z.string(),
        kind: z.enum(groupKinds),
        enabled: z.boolean(),
        key_counts: keyCountsSchema,
      }),
    )
    .max(maxOverviewGroups)
    .describe('The first groups in their order.'),
  access_keys: z.object({ total: z.number().int(), enabled: z.number().int() }),
  requests: z.object({
    last_hour: requestTotalsSchema.describe('60 minutes with the present one.'),
    last_day: requestTotalsSchema.describe('24 hours with the present one.'),
  }),
  edges: z.object({ reachable: z.number().int(), applied: z.number().int() }),
  revision: z.number().int(),
  server_time: instantSchema,
})
export type StatsOverview = z.infer<typeof statsOverviewSchema>

/**
 * Sums that log-ingest keeps per step, and for how long: an hour (a day) more than the API promises, so that a client whose clock
 * is a little behind gets whole ranges. null = for ever.
 */
export const seriesSteps = {
  minute: { spanS: 60, keptS: 2 * 86_400 + 3_600 },
  hour: { spanS: 3_600, keptS: 90 * 86_400 + 86_400 },
  day: { spanS: 86_400, keptS: null },
} as const
export type SeriesStep = keyof typeof seriesSteps
export const maxSeriesRangeMs = { minute: 90 * 86_400_000, hour: 90 * 86_400_000, day: 3_653 * 86_400_000 } as const
export const defaultSeriesRangeMs = 86_400_000

export const seriesStepSchema = z
  .enum(Object.keys(seriesSteps) as [SeriesStep, ...SeriesStep[]])
  .describe('Minutes are kept for 2 days, hours for 90, days (UTC) for ever.')

export const rangeParameters = {
  from: instantInputSchema.optional().describe('Left out: a day before `to`. The step that holds it comes first.'),
  to: instantInputSchema
    .optional()
    .describe('Left out, or later than now: now. Days reach 10 years, other steps 90 days.'),
}
export const scopeParameters = {
  group_id: idParameter.optional().describe('The group in the URL or the member that served it.'),
  access_key_id: idParameter.optional(),
  model: z.string().min(1).max(255).optional().describe('As it was asked for.'),
  upstream: z.string().min(1).max(500).optional(),
}

export const statsSeriesQuerySchema = z.strictObject({
  step: seriesStepSchema.default('hour'),
  ...rangeParameters,
  ...scopeParameters,
})

export const tokenSumsSchema = z.object({
  input: z.number().int().describe('With what came from a cache.'),
  output: z.number().int().describe('With reasoning.'),
  cached: z.number().int(),
  reasoning: z.number().int(),
})

export const statsPointSchema = z.object({
  at: instantSchema.describe('Begin of the step.'),
  requests: z.number().int(),
  failures: z.number().int().describe('Requests that ended in an error or broke off.'),
  retries: z.number().int().describe('Attempts after the first of each request.'),
  rescued: z.number().int().describe('Requests that succeeded by a retry.'),
  tokens: tokenSumsSchema,
  cost_usd: z.number().describe('Of what there are prices for.'),
})
export type StatsPoint = z.infer<typeof statsPointSchema>

export const statsSeriesSchema = z.object({
  step: seriesStepSchema,
  from: instantSchema.describe('Begin of the first point.'),
  to: instantSchema.describe('End of the last one.'),
  points: z.array(statsPointSchema).describe('Oldest first, one per step: without requests all of it is 0.'),
})
export type StatsSeries = z.infer<typeof statsSeriesSchema>
