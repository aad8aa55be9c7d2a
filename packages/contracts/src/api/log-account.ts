import { z } from 'zod'
import { pageParameters } from './page.ts'
import { booleanParameter, instantSchema } from './parameters.ts'

/**
 * The log invariant: every record that an edge has served is somewhere. Per edge process, and summed up:
 * `served = committed + sampled_out + dead_lettered + dropped + spooled + in_flight + missing`, and `missing` is a loss.
 */
export const maxListedGaps = 100
export const maxReconciledEdges = 1_000

const countsSchema = z.object({
  served: z.number().int().describe('Requests that left a record.'),
  committed: z.number().int().describe('Rows of the request log.'),
  sampled_out: z.number().int().describe('Counted in the statistics only, by the setting of their group.'),
  dead_lettered: z.number().int().describe('Could not be read or stored; kept, see the dead letters.'),
  dropped: z.number().int().describe('Lost by the edge past its bounds, or with a thread that died, and counted.'),
  spooled: z.number().int().describe('On the disk of an edge, to be sent later.'),
  in_flight: z.number().int().describe('In memory of an edge, or in the log stream.'),
  missing: z.number().int().describe('Nowhere, though everything that was sent is stored.'),
  unknown_at_most: z
    .number()
    .int()
    .describe(
      'Of killed edges: records that they may have made after their last report, at the fastest pace known of them.',
    ),
})
export type LogCounts = z.infer<typeof countsSchema>

export const logGapReasons = ['awaited', 'missing', 'dead_lettered'] as const
export const edgeStates = ['live', 'ended', 'killed'] as const

export const reconciledEdgeSchema = z.object({
  edge: z.string(),
  instance: z.string().describe('One process start.'),
  state: z.enum(edgeStates).describe('`killed`: silent without having said its last word.'),
  reported_at: instantSchema,
  ...countsSchema.shape,
  gaps: z
    .array(
      z.object({
        source: z.string().describe('Edge process and worker.'),
        from: z.number().int().describe('First sequence that is not stored.'),
        to: z.number().int().describe('Last one, inclusive.'),
        reason: z.enum(logGapReasons),
      }),
    )
    .max(maxListedGaps),
  has_more_gaps: z.boolean(),
})
export type ReconciledEdge = z.infer<typeof reconciledEdgeSchema>

export const reconciliationSchema = z.object({
  ...countsSchema.shape,
  caught_up_at: instantSchema
    .nullable()
    .describe('When everything that the log stream held was last seen stored; null = something waits there.'),
  edges: z.array(reconciledEdgeSchema).max(maxReconciledEdges).describe('Processes of the last 7 days.'),
})
export type Reconciliation = z.infer<typeof reconciliationSchema>

export const reconcileQuerySchema = z.strictObject({
  gaps: booleanParameter.default(true).describe('Also name the gaps; reads the batches of edges that have some.'),
})

export const deadLetterKinds = ['record', 'event'] as const
export const deadLetterStates = ['waiting', 'replay', 'refused', 'replayed'] as const
export type DeadLetterState = (typeof deadLetterStates)[number]

export const deadLetterSchema = z.object({
  id: z.number().int(),
  kind: z.enum(deadLetterKinds).describe('A whole record (batch), or one event of it.'),
  state: z.enum(deadLetterStates).describe('`replay`: will be tried again within seconds; `refused`: was, in vain.'),
  reason: z.string(),
  topic: z.string(),
  partition: z.number().int(),
  offset: z.string(),
  source: z.string().describe('Edge process and worker; empty where the record does not say it.'),
  edge: z.string(),
  first_sequence: z.number().int(),
  event_count: z.number().int(),
  bytes: z.number().int(),
  lettered_at: instantSchema,
  settled_at: instantSchema.nullable(),
})
export type DeadLetterView = z.infer<typeof deadLetterSchema>

export const deadLetterListQuerySchema = z.strictObject({
  ...pageParameters,
  state: z.enum(deadLetterStates).optional(),
})

export const deadLetterReplaySchema = z.strictObject({
  ids: z
    .array(z.number().int().min(1))
    .min(1)
    .max(1_000)
    .nullable()
    .describe('Those to try again; null: all that wait or were refused.'),
})
export const deadLetterReplayedSchema = z.object({ asked: z.number().int().describe('Letters that will be tried.') })
