import type { AttemptFailure } from './attempt-failure.ts'
import { isPlain } from './body/decode-body.ts'
import { findRule } from './error-rules.ts'
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
 * are obeyed for retry as they are written; they never decide about keys (gpt-load/proxy.md 8). A rule of the group comes first:
 * what costs this key may be served by another.
 */
export function failsOver({ failover, errorRules }: GroupPlan, failure: AttemptFailure): boolean {
  const { errorClass, status, isPreamble } = failure
  if (errorClass === 'client_abort' || status === loopDetected) return false
  const rule = errorRules === null ? null : findRule(errorRules.live, failure)
  if (rule !== null && (rule.isRetried !== null || rule.action !== 'ignore')) return rule.isRetried ?? true
  if (failover === null || status === 0 || isPreamble) return errorClass !== 'client'
  return failover[status] === 1
}

/** The fault is the upstream's or the way's to it: the key is free. Not so when a rule of the group says that it is the key's. */
export function isUpstreamFault({ errorRules }: GroupPlan, failure: AttemptFailure): boolean {
  const { errorClass } = failure
  if (errorClass !== 'upstream' && errorClass !== 'network') return false
  const rule = errorRules === null ? null : findRule(errorRules.live, failure)
  return rule === null || rule.action === 'ignore'
}

/** An event stream whose first event is looked at before the caller gets any of it. Compressed ones are passed on unseen. */
export function isHeldBack({ settings }: GroupPlan, rawHeaders: readonly string[]): boolean {
  if (settings.preamble_hold_bytes === 0) return false
  if (!findHeader(rawHeaders, 'content-type').toLowerCase().startsWith('text/event-stream')) return false
  return isPlain(findHeader(rawHeaders, 'content-encoding'))
}

/** What makes something at the provider is sent again only when the failure proves that nothing was made. */
export function isRepeatable(isCreation: boolean, { isUnprocessed }: AttemptFailure, isRequestSent: boolean): boolean {
  return !isCreation || isUnprocessed || !isRequestSent
}

const firstBackoffMs = 100
const maxBackoffMs = 2_000

/** With jitter, so that those who failed together do not come back together. `attempts` have been made, at least one. */
export function backoffMs(attempts: number): number {
  return longestBackoffMs(attempts) * (0.5 + Math.random() / 2)
}

/** Before the jitter, which takes off up to a half. */
export function longestBackoffMs(attempts: number): number {
  return Math.min(maxBackoffMs, firstBackoffMs * 2 ** (attempts - 1))
}
