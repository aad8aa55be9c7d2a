import { z } from 'zod'
import { groupKinds, keyCountsSchema } from './group.ts'
import { instantSchema } from './parameters.ts'

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
