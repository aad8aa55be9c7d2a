import type { DeadlineSource } from '@gpt-load/contracts/error-class'
import { headerValue } from './header-value.ts'

/**
 * When a limited key may be used again, as far as response headers tell. Most trustworthy first: what the provider says
 * to wait (`retry-after-ms`, Retry-After), then when its limits reset. Never throws; a time that is past, zero or absurd
 * counts as none, and nothing later than `maxDeadlineMs` from now comes out (policy cuts further).
 */
export type Deadline = { until: number; deadlineSource: DeadlineSource }

/** The longest reset that providers document is a month; this only keeps the arithmetic sane. */
const maxDeadlineMs = 400 * 86_400_000

export function retryAfterDeadline(headers: readonly string[], nowMs: number): Deadline | null {
  const milliseconds = headerValue(headers, 'retry-after-ms')
  const exact = milliseconds === null ? 0 : plausible(nowMs + Number(milliseconds), nowMs)
  const until = exact === 0 ? parseRetryAfter(headerValue(headers, 'retry-after'), nowMs) : exact
  return until === 0 ? null : { until, deadlineSource: 'retry_after' }
}

export function headerDeadline(headers: readonly string[], nowMs: number): Deadline | null {
  const asked = retryAfterDeadline(headers, nowMs)
  if (asked !== null) return asked
  const until = resetOfLimits(headers, nowMs)
  return until === 0 ? null : { until, deadlineSource: 'rate_limit_header' }
}

/** Retry-After: seconds or an HTTP date (RFC 9110 10.2.3). */
function parseRetryAfter(value: string | null, nowMs: number): number {
  if (value === null) return 0
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return plausible(nowMs + Number(text) * 1_000, nowMs)
  return plausible(parseDate(text), nowMs)
}

/** The asctime form of an HTTP date has no zone and means GMT (RFC 9110 5.6.7). */
function parseDate(text: string): number {
  const hasZone = /(?:GMT|UTC|Z|[+-]\d{2}:?\d{2})$/i.test(text)
  return Date.parse(hasZone || !/^[A-Za-z]{3} /.test(text) ? text : `${text} GMT`)
}

type Limit = { reset: number; isUsedUp: boolean }

/**
 * Of several limits those count that are used up, or of which no remainder is told; of these the latest. Where all have
 * something left (the request was larger than that), the earliest reset is worth a try.
 */
function resetOfLimits(headers: readonly string[], nowMs: number): number {
  const limits = readLimits(headers, nowMs)
  const usedUp = limits.filter((limit) => limit.isUsedUp).map((limit) => limit.reset)
  if (usedUp.length > 0) return Math.max(...usedUp)
  return limits.length > 0 ? Math.min(...limits.map((limit) => limit.reset)) : 0
}

/** At most this many limit headers are read of one response; OpenAI sends 2, Anthropic up to 8. */
const maxLimits = 32

/** `x-ratelimit-reset-tokens`, `x-ratelimit-reset`, `ratelimit-reset`, `anthropic-ratelimit-tokens-reset`. */
function readLimits(headers: readonly string[], nowMs: number): Limit[] {
  const limits: Limit[] = []
  for (let index = 0; index + 1 < headers.length && limits.length < maxLimits; index += 2) {
    const name = headers[index]!.toLowerCase()
    if (!/^(?:x-|anthropic-)?rate-?limit-/.test(name) || !name.includes('reset')) continue
    const reset = plausible(parseReset(headers[index + 1]!.trim(), nowMs), nowMs)
    if (reset === 0) continue
    const remaining = headerValue(headers, name.replace('reset', 'remaining'))
    limits.push({ reset, isUsedUp: remaining === null || !(Number(remaining) > 0) })
  }
  return limits
}

/** Epoch milliseconds of `1s`, `6m0s`, `120ms`, seconds, epoch seconds or milliseconds, or a date. NaN = none of these. */
export function parseReset(text: string, nowMs: number): number {
  if (text === '') return Number.NaN
  const number = Number(text)
  if (!Number.isNaN(number)) {
    if (number > 1e11) return number
    return number > 1e9 ? number * 1_000 : nowMs + number * 1_000
  }
  const durationMs = parseDurationMs(text)
  return durationMs === null ? parseDate(text) : nowMs + durationMs
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** A duration as Go and protobuf write it: `1h2m3.5s`, `34.4s`, `120ms`; null = not one. */
export function parseDurationMs(text: string): number | null {
  if (text.length > 64 || !/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(text)) return null
  let sum = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) sum += Number(amount) * unitMs[unit!]!
  return sum
}

/** 0 unless later than now; whole milliseconds, bounded. */
export function plausible(until: number, nowMs: number): number {
  if (!(until > nowMs)) return 0
  return Math.min(Math.ceil(until), nowMs + maxDeadlineMs)
}
