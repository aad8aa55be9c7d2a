import { z } from 'zod'
import { edgeQuestionSchema, maxQuestionsPerReport } from './explanation.ts'
import { epochSchema, revisionSchema } from './snapshot.ts'

/** `POST /internal/reports`: every second, and at once after a revision was applied (at most every 50 ms). */
export const edgeReportIntervalMs = 1_000
/** An edge that has not reported for this long counts as unreachable. */
export const edgeReachableMs = 5_000

export const maxReportedRules = 100
export const maxReportedSources = 128
/** The busiest; with the longest windows some 1 KiB each, of 64 KiB for a report. */
export const maxReportedGroups = 24
/** Callers with limits: those that ask for most; the others' limits are divided equally among edges. */
export const maxReportedCallers = 100

/** Requests a second that want to enter, and those under way. */
export const callerDemandSchema = z.object({
  kind: z.enum(['group', 'access_key']),
  id: z.number().int(),
  demand: z.number().nonnegative(),
})
export type CallerDemand = z.infer<typeof callerDemandSchema>

export const edgeReportSchema = z.object({
  edge: z.string().min(1).max(100),
  instance: z.string().min(1).max(64),
  version: z.string().max(64),
  started_at: z.number().int(),
  epoch: epochSchema.or(z.literal('')),
  revision: revisionSchema,
  /** Sum of per-key hashes over stored facts, hex; equal on all edges and in the database when nothing is missed. */
  state_hash: z.string().max(64),
  /** Edge clock minus server clock, ms. */
  clock_skew_ms: z.number().int(),
  ready: z.boolean(),
  draining: z.boolean(),
  workers: z.number().int(),
  in_flight: z.number().int(),
  keys: z.number().int(),
  feed_connected: z.boolean(),
  /** The log invariant, per instance: served = sequences handed out; the others where they are now. */
  log: z.object({
    served: z.number().int(),
    acknowledged: z.number().int(),
    in_flight: z.number().int(),
    spooled: z.number().int(),
    dropped: z.number().int(),
    /** Sequences handed out, per worker: the newest 128. */
    sources: z
      .array(z.object({ source: z.string().max(128), served: z.number().int() }))
      .max(maxReportedSources)
      .default([]),
    /** Most records in one second so far: bounds what a killed edge may have made after its last report. */
    peak_per_second: z.number().int().default(0),
    /** The last report of an orderly end: nothing comes after it. */
    is_final: z.boolean().default(false),
  }),
  outbox_pending: z.number().int(),
  /** What rules that are only observed would have done, since the start of the edge. */
  rule_observations: z
    .array(
      z.object({
        group_id: z.number().int(),
        rule: z.string(),
        matched: z.number().int(),
        would_change: z.number().int(),
        succeeded_after: z.number().int(),
      }),
    )
    .max(maxReportedRules)
    .default([]),
  /** Upstreams whose circuit is not closed, the first 50. */
  open_upstreams: z
    .array(
      z.object({
        group_id: z.number().int(),
        upstream_id: z.number().int(),
        state: z.enum(['open', 'half_open']),
        /** Epoch ms of the edge's clock. */
        retry_at: z.number().int(),
        consecutive_failures: z.number().int(),
        openings: z.number().int(),
        /** Open for a storm of limits, not for failures. */
        is_throttled: z.boolean().default(false),
      }),
    )
    .max(50)
    .default([]),
  worker_deaths: z.number().int(),
  /** Of the last minute, and what is known of the keys' quotas (key-health, capacity). */
  group_usage: z
    .array(
      z.object({
        group_id: z.number().int(),
        requests_per_minute: z.number().int().nonnegative(),
        tokens_per_minute: z.number().int().nonnegative(),
        windows: z
          .array(
            z.object({
              kind: z.enum(['requests', 'tokens']),
              span: z.enum(['minute', 'hour', 'day']),
              keys: z.number().int(),
              left: z.number().int(),
              most: z.number().int(),
              resets: z.array(z.number().int()).max(4),
            }),
          )
          .max(6),
      }),
    )
    .max(maxReportedGroups)
    .default([]),
  /** Of callers with limits, on this edge. */
  caller_demand: z.array(callerDemandSchema).max(maxReportedCallers).default([]),
})
export type EdgeReport = z.infer<typeof edgeReportSchema>

/** What every edge must know of the others: caps of keys and limits of callers are shared by those that are there. */
export const edgeReportAnswerSchema = z.object({
  live_edges: z.number().int().positive(),
  /** On all edges, of the callers that the report names. */
  caller_demand: z.array(callerDemandSchema).max(maxReportedCallers).default([]),
  /** For whichever edge is first. */
  questions: z.array(edgeQuestionSchema).max(maxQuestionsPerReport).default([]),
})
export type EdgeReportAnswer = z.infer<typeof edgeReportAnswerSchema>
