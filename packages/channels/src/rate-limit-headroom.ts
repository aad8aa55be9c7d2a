import { headerValue } from './header-value.ts'
import { parseReset, plausible } from './rate-limit-deadline.ts'

/**
 * What a key may still do in its current window, as the headers of any answer tell: `x-ratelimit-remaining-requests` and
 * `-tokens` (OpenAI, Azure and what speaks like them), `anthropic-ratelimit-*-remaining`. Of several limits of a kind the
 * tightest counts. What is plentiful is not told: there is nothing to remember of it.
 */
export type Headroom = {
  /** -1 = plentiful or unknown. */
  requestsLeft: number
  /** Epoch ms; 0 without `requestsLeft`. */
  requestsResetMs: number
  tokensLeft: number
  tokensResetMs: number
}

const plentifulRequests = 1_000
const plentifulTokens = 1_000_000
/** Azure names none; its limits are looked at over 1 and 10 seconds. */
const unnamedResetMs = 5_000
/** `ratelimit-remaining` is the shortest name. */
const minNameLength = 19
const remainingName = /^(?:x-|anthropic-)?rate-?limit-(?:.*-)?remaining(?:-|$)/

export function createHeadroom(): Headroom {
  return { requestsLeft: -1, requestsResetMs: 0, tokensLeft: -1, tokensResetMs: 0 }
}

/** Fills `into`, which is used again and again. */
export function readHeadroom(into: Headroom, headers: readonly string[], nowMs: number): void {
  into.requestsLeft = -1
  into.requestsResetMs = 0
  into.tokensLeft = -1
  into.tokensResetMs = 0
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index]!
    if (name.length < minNameLength || !mayBegin(name.charCodeAt(0))) continue
    const lower = name.toLowerCase()
    if (!remainingName.test(lower)) continue
    const value = headers[index + 1]!.trim()
    const left = value === '' ? Number.NaN : Number(value)
    if (!(left >= 0)) continue
    if (lower.includes('token')) readTokens(into, headers, lower, left, nowMs)
    else readRequests(into, headers, lower, left, nowMs)
  }
}

/** x, a, r. */
function mayBegin(code: number): boolean {
  const lower = code | 0x20
  return lower === 0x78 || lower === 0x61 || lower === 0x72
}

function readRequests(into: Headroom, headers: readonly string[], name: string, left: number, nowMs: number): void {
  if (left >= plentifulRequests || (into.requestsLeft !== -1 && left >= into.requestsLeft)) return
  into.requestsLeft = Math.floor(left)
  into.requestsResetMs = resetOf(headers, name, nowMs)
}

function readTokens(into: Headroom, headers: readonly string[], name: string, left: number, nowMs: number): void {
  if (left >= plentifulTokens || (into.tokensLeft !== -1 && left >= into.tokensLeft)) return
  into.tokensLeft = Math.floor(left)
  into.tokensResetMs = resetOf(headers, name, nowMs)
}

function resetOf(headers: readonly string[], name: string, nowMs: number): number {
  const value = headerValue(headers, name.replace('remaining', 'reset'))
  if (value === null) return nowMs + unnamedResetMs
  return plausible(parseReset(value.trim(), nowMs), nowMs)
}
