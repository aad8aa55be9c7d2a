import { z } from 'zod'
import { causeSchema, keyStateSchema } from './key-facts.ts'
import { revisionSchema, epochSchema } from './snapshot.ts'

/**
 * The outbox of an edge: `POST /internal/key-events`. One event per key (or key x model), coalesced: newest state,
 * failures since the last acknowledgement, first and last cause. Numbered per edge instance, one post in flight; a resend
 * is recognised by its number and answered alike. The answer, given after commit, is the acknowledgement.
 */
export const maxEventsPerPost = 1_000
export const minPostIntervalMs = 50

export const keyEventSchema = z.object({
  key_id: z.number().int().positive(),
  model: z.string().max(255).optional(),
  /** The generation that the edge acted on. Older than stored: history only. */
  generation: z.number().int().nonnegative(),
  /** State that the edge has applied locally. */
  state: keyStateSchema,
  until: z.number().int().nonnegative(),
  /** Counted failures since the last acknowledgement (since the success, when `succeeded`). */
  failures: z.number().int().nonnegative(),
  /** A success came first: the counter is reset, then `failures` are added. */
  succeeded: z.boolean(),
  first_cause: causeSchema,
  last_cause: causeSchema,
})
export type KeyEvent = z.infer<typeof keyEventSchema>

export const keyEventPostSchema = z.object({
  edge: z.string().min(1).max(100),
  /** Random per process start. */
  instance: z.string().min(1).max(64),
  epoch: epochSchema,
  number: z.number().int().positive(),
  events: z.array(keyEventSchema).max(maxEventsPerPost),
})
export type KeyEventPost = z.infer<typeof keyEventPostSchema>

export const keyEventAckSchema = z.object({
  number: z.number().int(),
  revision: revisionSchema,
  applied: z.number().int(),
  stale: z.number().int(),
})
export type KeyEventAck = z.infer<typeof keyEventAckSchema>
