import type { AttemptFailure, HeldAnswer } from '../attempt-failure.ts'
import { hasHeader, removeHeader, setHeader } from '../headers/raw-headers.ts'
import { passResponseHeaders } from '../headers/response-headers.ts'
import { maskBytes } from './mask-secret.ts'

/**
 * What a client gets when no attempt succeeded: an upstream's own answer wherever one spoke. Two exceptions (ARCHITECTURE.md,
 * Request path): refused keys become an error of ours, since the caller's key is fine; a 429 tells when the pool has a key
 * again, not when that one has.
 */
export type FinalChoice =
  | { kind: 'answer'; answer: HeldAnswer; failure: AttemptFailure }
  | { kind: 'error'; code: 'UPSTREAM_KEYS_REJECTED' | 'UPSTREAM_TIMEOUT' | 'BAD_GATEWAY' }

/** @param kept the last answer of an earlier attempt that was not about the key alone */
export function chooseFinal(last: AttemptFailure, kept: AttemptFailure | null): FinalChoice {
  const isRefused = last.errorClass === 'key_auth'
  if (last.answer !== null && !isRefused) return { kind: 'answer', answer: last.answer, failure: last }
  if (kept?.answer != null) return { kind: 'answer', answer: kept.answer, failure: kept }
  if (isRefused) return { kind: 'error', code: 'UPSTREAM_KEYS_REJECTED' }
  return { kind: 'error', code: last.stage === '' ? 'BAD_GATEWAY' : 'UPSTREAM_TIMEOUT' }
}

export type PreparedAnswer = { status: number; reason: string; headers: string[]; body: Uint8Array }

/**
 * The held answer as it may leave: hop-by-hop headers gone, the key masked in headers and body. Null: the key is inside a
 * content coding that was cut, where it cannot be masked.
 */
export function prepareAnswer(answer: HeldAnswer): PreparedAnswer | null {
  const { status, reason, secret, mask, decoded } = answer
  const headers = passResponseHeaders(answer.rawHeaders, secret)
  const masked = decoded === null ? decoded : maskBytes(decoded, secret, mask)
  if (masked === null || masked === decoded)
    return { status, reason, headers, body: maskBytes(answer.body, secret, mask) }
  if (!answer.isWhole) return null
  removeHeader(headers, 'content-encoding')
  setHeader(headers, 'Content-Length', 'content-length', String(masked.length))
  return { status, reason, headers, body: masked }
}

/** Replaces what the upstream said about one key by what holds for the pool. SDKs read the millisecond form first. */
export function setRetryAfter(headers: string[], seconds: number): void {
  setHeader(headers, 'Retry-After', 'retry-after', String(seconds))
  if (hasHeader(headers, 'retry-after-ms'))
    setHeader(headers, 'retry-after-ms', 'retry-after-ms', String(seconds * 1_000))
}
