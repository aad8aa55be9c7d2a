import { z } from 'zod'
import { deadlineSources, errorClasses } from './error-class.ts'

/**
 * States of a provider key, weakest first: the index is the *severity* by which states of one generation merge.
 * The numbers go over the wire and into tables; append only.
 */
export const keyStates = ['active', 'suspect', 'cooling', 'exhausted', 'invalid', 'disabled'] as const
export type KeyState = (typeof keyStates)[number]
export const keyStateSchema = z.enum(keyStates)

export const severityOf = {
  active: 0,
  suspect: 1,
  cooling: 2,
  exhausted: 3,
  invalid: 4,
  disabled: 5,
} as const satisfies Record<KeyState, number>

/** Why a key is in its state: enough to answer "why is this key out?" without a log search. */
export const causeSchema = z.object({
  /** Epoch milliseconds on the edge that saw it, corrected for skew. */
  at: z.number().int().nonnegative(),
  class: z.enum(errorClasses).or(z.enum(['probe', 'operator', 'import', 'success'])),
  /** HTTP status of the upstream, absent when nothing came back. */
  status: z.number().int().min(100).max(999).optional(),
  /** The provider's structured error code or type, cut at 100 characters. Never free text. */
  code: z.string().max(100).optional(),
  request_id: z.string().max(64).optional(),
  edge: z.string().max(100).optional(),
  deadline_source: z.enum(deadlineSources).optional(),
  /** A person's note, or a probe's failure text; cut at 255 characters and scrubbed. */
  note: z.string().max(255).optional(),
})
export type Cause = z.infer<typeof causeSchema>

/**
 * The stored facts of a key (or of a key x model). What is due is derived from the clock: a `cooling` key whose `until`
 * has passed is usable without anybody writing anything.
 */
export const keyFactsSchema = z.object({
  state: keyStateSchema,
  /** Epoch milliseconds; 0 = no deadline (active, invalid, disabled for good). */
  until: z.number().int().nonnegative(),
  /** Raised by every restore, enable, disable, probe success and value change. */
  generation: z.number().int().nonnegative(),
  /** Consecutive counted failures, fleet-wide. */
  failures: z.number().int().nonnegative(),
})
export type KeyFacts = z.infer<typeof keyFactsSchema>
