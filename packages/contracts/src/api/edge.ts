import { z } from 'zod'
import { instantSchema } from './parameters.ts'

/** Edges with their last reports, and how far behind the committed revision each is. */
export const edgeSchema = z.object({
  instance: z.string(),
  name: z.string(),
  version: z.string(),
  reachable: z.boolean().describe('It has reported within the last seconds.'),
  epoch: z.string(),
  revision: z.number().int(),
  lag: z.number().int().describe('Revisions that it has not applied yet.'),
  state_hash: z.string(),
  clock_skew_ms: z.number().int(),
  ready: z.boolean(),
  draining: z.boolean(),
  workers: z.number().int(),
  in_flight: z.number().int(),
  keys: z.number().int(),
  feed_connected: z.boolean(),
  outbox_pending: z.number().int(),
  worker_deaths: z.number().int(),
  open_upstreams: z
    .array(
      z.object({
        group_id: z.number().int(),
        upstream_id: z.number().int(),
        state: z.enum(['open', 'half_open']).describe('half_open: the next request is a trial.'),
        retry_at: instantSchema,
        consecutive_failures: z.number().int(),
        openings: z.number().int().describe('Since the edge started.'),
        is_throttled: z.boolean().describe('Open because it limited many keys at once, not because it failed.'),
      }),
    )
    .describe('Upstreams that this edge avoids because they failed, the first 50.'),
  log: z.object({
    served: z.number().int(),
    acknowledged: z.number().int(),
    in_flight: z.number().int(),
    spooled: z.number().int(),
    dropped: z.number().int(),
  }),
  started_at: instantSchema,
  reported_at: instantSchema,
})
export type Edge = z.infer<typeof edgeSchema>

export const edgeListSchema = z.object({
  epoch: z.string(),
  revision: z.number().int(),
  reachable: z.number().int(),
  applied: z.number().int().describe('Reachable edges that have the revision.'),
  items: z.array(edgeSchema),
})
export type EdgeList = z.infer<typeof edgeListSchema>

export const stateHashSchema = z.object({
  epoch: z.string(),
  revision: z.number().int().describe('Of the database when it was read; the hashes are those of this revision.'),
  state_hash: z.string(),
  keys: z.number().int(),
  groups: z.array(z.object({ group_id: z.number().int(), state_hash: z.string() })),
  agreed: z.boolean().describe('Every reachable edge is at this revision and has this hash.'),
  edges: z
    .array(
      z.object({
        instance: z.string(),
        name: z.string(),
        revision: z.number().int(),
        state_hash: z.string(),
        agrees: z.boolean().nullable().describe('null: at another revision, so that nothing can be said.'),
      }),
    )
    .describe('Reachable edges by their last reports.'),
})
export type StateHashAnswer = z.infer<typeof stateHashSchema>

export const statusSchema = z.object({
  version: z.string(),
  epoch: z.string(),
  revision: z.number().int(),
  edges: z.object({ reachable: z.number().int(), applied: z.number().int() }),
  started_at: instantSchema,
  server_time: instantSchema,
})
export type Status = z.infer<typeof statusSchema>

export const ruleObservationSchema = z.object({
  rule: z.string(),
  edges: z.number().int().describe('That saw it since they started.'),
  matched: z.number().int(),
  would_change: z.number().int().describe('Times that it would have decided otherwise about a key.'),
  succeeded_after: z.number().int().describe('Of the keys it would have taken out: served a request within that time.'),
})
export const ruleObservationListSchema = z.object({ items: z.array(ruleObservationSchema) })
export type RuleObservationList = z.infer<typeof ruleObservationListSchema>
