import type { Classification, UpstreamFailure } from './channel.ts'
import {
  classificationOf,
  client,
  doubtfulKey,
  judge,
  keyAuth,
  keyQuota,
  rateLimit,
  tableOf,
  upstream,
} from './classification.ts'
import type { ErrorRules, Verdict } from './classification.ts'
import { listOf, objectOf, textOf } from './json-value.ts'
import { openaiRules } from './openai-errors.ts'
import { nextPacificMidnight } from './pacific-midnight.ts'
import { parseProviderError } from './provider-error.ts'
import type { ProviderError } from './provider-error.ts'
import { parseDurationMs, plausible } from './rate-limit-deadline.ts'
import type { Deadline } from './rate-limit-deadline.ts'
import { preambleError } from './stream-preamble.ts'

/**
 * Gemini's errors. Sources: google.rpc ErrorInfo reasons (googleapis, `google/api/error_reason.proto`), google.rpc.Code,
 * Gemini API "Troubleshooting" and "Rate limits" (2026-08). Relays that speak OpenAI's codes are understood as well.
 *
 * A referrer, an app signature and a method come from the caller, so keys restricted by these are only doubted.
 */
export const geminiRules: ErrorRules = {
  codes: new Map([
    ...openaiRules.codes,
    ...tableOf({
      // ErrorInfo.reason
      API_KEY_INVALID: keyAuth,
      CONSUMER_SUSPENDED: keyAuth,
      CONSUMER_INVALID: keyAuth,
      SERVICE_DISABLED: keyAuth,
      ACCESS_TOKEN_EXPIRED: keyAuth,
      ACCESS_TOKEN_TYPE_UNSUPPORTED: keyAuth,
      CREDENTIALS_MISSING: keyAuth,
      API_KEY_SERVICE_BLOCKED: doubtfulKey,
      API_KEY_HTTP_REFERRER_BLOCKED: doubtfulKey,
      API_KEY_IP_ADDRESS_BLOCKED: doubtfulKey,
      API_KEY_ANDROID_APP_BLOCKED: doubtfulKey,
      API_KEY_IOS_APP_BLOCKED: doubtfulKey,
      BILLING_DISABLED: keyQuota,
      RESOURCE_QUOTA_EXCEEDED: keyQuota,
      RATE_LIMIT_EXCEEDED: rateLimit,
      // google.rpc.Code
      UNAUTHENTICATED: keyAuth,
      RESOURCE_EXHAUSTED: rateLimit,
      UNAVAILABLE: upstream,
      INTERNAL: upstream,
      DEADLINE_EXCEEDED: upstream,
    }),
  ]),
  sentences: [
    { pattern: /^API [Kk]ey not (?:valid|found)\. Please pass a valid API key\.$/, verdict: doubtfulKey },
    { pattern: /^API key expired\. Please renew the API key\.$/, verdict: doubtfulKey },
    { pattern: /^User location is not supported for the API use\.$/, verdict: upstream },
    // Somebody's file or cache lives with another key: true of every key but one, so it must not count against any.
    { pattern: /^You do not have permission to access the File \S+ or it may not exist\.$/, verdict: client },
    { pattern: /^CachedContent not found \(or permission denied\)$/, verdict: client },
  ],
  types: tableOf({
    PERMISSION_DENIED: doubtfulKey,
    INVALID_ARGUMENT: client,
    NOT_FOUND: client,
    FAILED_PRECONDITION: client,
  }),
}

export function classifyGemini(failure: UpstreamFailure): Classification {
  return judgeGemini(failure, parseProviderError(failure.body))
}

export function classifyGeminiPreamble(text: string, nowMs: number): Classification | null {
  const found = preambleError(text)
  if (found === null) return null
  return judgeGemini({ status: found.status, headers: [], body: text, nowMs, model: '' }, found.error)
}

/** Which quota is spent stands in the details; without them it is taken for the shortest. */
function judgeGemini(failure: UpstreamFailure, error: ProviderError): Classification {
  const verdict = error.codes.includes('RESOURCE_EXHAUSTED') ? quotaVerdict(error) : null
  if (verdict === null) {
    const deadline = retryInfo(error, failure.nowMs)
    const judged = judge(failure, error, geminiRules)
    return judged.errorClass === 'rate_limit' && judged.until === 0 && deadline !== null
      ? { ...judged, ...deadline }
      : judged
  }
  return classificationOf(failure, error, verdict, bodyDeadline(verdict, error, failure.nowMs))
}

function bodyDeadline(verdict: Verdict, error: ProviderError, nowMs: number): Deadline | null {
  if (verdict.errorClass !== 'key_quota') return retryInfo(error, nowMs)
  return { until: nextPacificMidnight(nowMs), deadlineSource: 'body' }
}

/** A day's quota outweighs a minute's, since it lasts; `PerModel` in every deciding one leaves the key to other models. */
function quotaVerdict(error: ProviderError): Verdict | null {
  const quotas = error.details
    .flatMap((detail) => listOf(detail['violations']))
    .map((value) => textOf(objectOf(value)?.['quotaId']))
  const daily = quotas.filter((quota) => quota.includes('PerDay'))
  const deciding = daily.length > 0 ? daily : quotas.filter((quota) => quota !== '')
  if (deciding.length === 0) return null
  const isModelScoped = deciding.every((quota) => quota.includes('PerModel') || quota.includes('PerBaseModel'))
  return { errorClass: daily.length > 0 ? 'key_quota' : 'rate_limit', isModelScoped }
}

function retryInfo(error: ProviderError, nowMs: number): Deadline | null {
  for (const detail of error.details) {
    const delayMs = parseDurationMs(textOf(detail['retryDelay']))
    const until = delayMs === null ? 0 : plausible(nowMs + delayMs, nowMs)
    if (until !== 0) return { until, deadlineSource: 'body' }
  }
  return null
}
