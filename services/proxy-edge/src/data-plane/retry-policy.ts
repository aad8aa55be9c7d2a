import type { AttemptFailure } from './attempt-failure.ts'
import { isPlain } from './body/decode-body.ts'
import { findHeader } from './headers/raw-headers.ts'
import type { GroupPlan } from './plan/group-plan.ts'

/** True: an answer with this status is judged before the client sees it. */
export function isFailureStatus({ failover }: GroupPlan, status: number): boolean {
  return status >= 400 || (failover !== null && failover[status] === 1)
}

/** Every hop of a circle would repeat it for the one before: its retries multiply. */
const loopDetected = 508

/**
 * Whether a failure of this kind may be tried elsewhere. Automatic: by class, and the caller's own errors never. Literal codes
 * are obeyed for retry as they are written; they never decide about keys (gpt-load/proxy.md 8).
 */
export function failsOver({ failover }: GroupPlan, { errorClass, status, isPreamble }: AttemptFailure): boolean {
  if (errorClass === 'client_abort' || status === loopDetected) return false
  if (failover === null || status === 0 || isPreamble) return errorClass !== 'client'
  return failover[status] === 1
}

/** The fault is the upstream's or the way's to it: the key is free. */
export function isUpstreamFault({ errorClass }: AttemptFailure): boolean {
  return errorClass === 'upstream' || errorClass === 'network'
}

/** An event stream whose first event is looked at before the caller gets any of it. Compressed ones are passed on unseen. */
export function isHeldBack({ settings }: GroupPlan, rawHeaders: readonly string[]): boolean {
  if (settings.preamble_hold_bytes === 0) return false
  if (!findHeader(rawHeaders, 'content-type').toLowerCase().startsWith('text/event-stream')) return false
  return isPlain(findHeader(rawHeaders, 'content-encoding'))
}

const firstBackoffMs = 100
const maxBackoffMs = 2_000

/** With jitter, so that those who failed together do not come back together. `attempts` have been made, at least one. */
export function backoffMs(attempts: number): number {
  const full = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (attempts - 1))
  return full * (0.5 + Math.random() / 2)
}
