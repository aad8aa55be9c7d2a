import type { DeadlineSource, ErrorClass } from './error-class.ts'

/**
 * States of a provider key, weakest first: the index is the *severity* by which states of one generation merge.
 * The numbers go over the wire and into tables; append only. Their schemas are in key-facts.ts: the request path reads this
 * file and loads no zod.
 */
export const keyStates = ['active', 'suspect', 'cooling', 'exhausted', 'invalid', 'disabled'] as const
export type KeyState = (typeof keyStates)[number]

export const severityOf = {
  active: 0,
  suspect: 1,
  cooling: 2,
  exhausted: 3,
  invalid: 4,
  disabled: 5,
} as const satisfies Record<KeyState, number>

export const causeClasses = ['probe', 'operator', 'import', 'success'] as const

/** Why a key is in its state: enough to answer "why is this key out?" without a log search. */
export type Cause = {
  /** Epoch milliseconds on the edge that saw it, corrected for skew. */
  at: number
  class: ErrorClass | (typeof causeClasses)[number]
  /** HTTP status of the upstream, absent when nothing came back. */
  status?: number | undefined
  /** The provider's structured error code or type, cut at 100 characters. Never free text. */
  code?: string | undefined
  request_id?: string | undefined
  edge?: string | undefined
  deadline_source?: DeadlineSource | undefined
  /** A person's note, or a probe's failure text; cut at 255 characters and scrubbed. */
  note?: string | undefined
}

/**
 * The stored facts of a key (or of a key x model). What is due is derived from the clock: a `cooling` key whose `until`
 * has passed is usable without anybody writing anything.
 */
export type KeyFacts = {
  state: KeyState
  /** Epoch milliseconds; 0 = no deadline (active, invalid, disabled for good). */
  until: number
  /** Raised by every restore, enable, disable, probe success and value change. */
  generation: number
  /** Consecutive counted failures, fleet-wide. */
  failures: number
}
