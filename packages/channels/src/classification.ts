import type { ErrorClass } from '@gpt-load/contracts/error-class'
import type { Classification, UpstreamFailure } from './channel.ts'
import type { ProviderError } from './provider-error.ts'
import { headerDeadline, retryAfterDeadline } from './rate-limit-deadline.ts'
import type { Deadline } from './rate-limit-deadline.ts'

/**
 * From an error to a class: a listed code decides, else a listed whole sentence, else the status. A caller can influence
 * the words of a message but neither codes nor status, so free text never decides; a sentence counts only when it is the
 * complete message of the error object.
 */
export type Verdict = { errorClass: ErrorClass; needsCorroboration?: boolean; isModelScoped?: boolean }
export type CodeTable = ReadonlyMap<string, Verdict>
export type Sentence = { pattern: RegExp; verdict: Verdict; untilOf?: (match: RegExpExecArray) => number }
export type ErrorRules = {
  codes: CodeTable
  sentences: readonly Sentence[]
  /** Types too broad to overrule a status: they decide only inside a 200 stream, which has none. */
  types: CodeTable
}

export const client: Verdict = { errorClass: 'client' }
export const keyAuth: Verdict = { errorClass: 'key_auth' }
export const doubtfulKey: Verdict = { errorClass: 'key_auth', needsCorroboration: true }
export const keyQuota: Verdict = { errorClass: 'key_quota' }
export const doubtfulQuota: Verdict = { errorClass: 'key_quota', needsCorroboration: true }
export const rateLimit: Verdict = { errorClass: 'rate_limit' }
export const upstream: Verdict = { errorClass: 'upstream' }

export function tableOf(entries: Readonly<Record<string, Verdict>>): CodeTable {
  return new Map(Object.entries(entries))
}

/**
 * Statuses of RFC 9110 and of the providers' references. 402: paid for nothing. 403 is said of keys, callers and places
 * alike. 408, 421, 425 and 499 come from a hop that gave up. Below 400 a group's failover codes asked: the key is free.
 */
export function verdictOfStatus(status: number): Verdict {
  if (status === 401) return keyAuth
  if (status === 402) return keyQuota
  if (status === 403) return doubtfulKey
  if (status === 429) return rateLimit
  if (status === 408 || status === 421 || status === 425 || status === 499) return upstream
  return status >= 400 && status < 500 ? client : upstream
}

export function judge(failure: UpstreamFailure, error: ProviderError, rules: ErrorRules): Classification {
  const code = error.codes.find((name) => rules.codes.has(name))
  if (code !== undefined) return { ...classificationOf(failure, error, rules.codes.get(code)!, null), code }
  for (const { pattern, verdict, untilOf } of rules.sentences) {
    const match = pattern.exec(error.statement)
    if (match !== null) return classificationOf(failure, error, verdict, bodyDeadline(untilOf?.(match), failure.nowMs))
  }
  const type = failure.status >= 400 ? undefined : error.codes.find((name) => rules.types.has(name))
  const verdict = type === undefined ? verdictOfStatus(failure.status) : rules.types.get(type)!
  return classificationOf(failure, error, verdict, null)
}

function bodyDeadline(until: number | undefined, nowMs: number): Deadline | null {
  return until !== undefined && until > nowMs ? { until, deadlineSource: 'body' } : null
}

/** @param fromBody a deadline that the body names; headers are trusted more */
export function classificationOf(
  failure: UpstreamFailure,
  error: ProviderError,
  verdict: Verdict,
  fromBody: Deadline | null,
): Classification {
  const { errorClass } = verdict
  const deadline = deadlineOf(failure, errorClass, fromBody)
  const concernsKey = errorClass === 'key_auth' || errorClass === 'key_quota' || errorClass === 'rate_limit'
  return {
    errorClass,
    code: error.codes.find((code) => !/^\d+$/.test(code)) ?? error.codes[0] ?? '',
    message: error.message,
    codes: error.codes,
    isQuoted: error.isQuoted,
    until: deadline?.until ?? 0,
    deadlineSource: deadline?.deadlineSource ?? 'default',
    isModelScoped: verdict.isModelScoped === true && failure.model !== '',
    needsCorroboration: concernsKey && (verdict.needsCorroboration === true || error.isQuoted),
    isUnprocessed: concernsKey || isRefusal(failure.status),
  }
}

/** Rate-limit headers count requests and tokens of the minute; they say nothing about when a balance is filled. */
function deadlineOf(failure: UpstreamFailure, errorClass: ErrorClass, fromBody: Deadline | null): Deadline | null {
  const { headers, nowMs } = failure
  if (errorClass === 'rate_limit') return headerDeadline(headers, nowMs) ?? fromBody
  if (errorClass === 'key_quota' || errorClass === 'upstream') return retryAfterDeadline(headers, nowMs) ?? fromBody
  return null
}

/** A 4xx refuses before any work, but for those that a timeout or a conflict in the middle of it can cause. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 409 && status !== 499
}
