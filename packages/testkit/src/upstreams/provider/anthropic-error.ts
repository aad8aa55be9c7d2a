// Source: Anthropic API reference, "Errors" and "Rate limits".

import { jsonAnswer, newId } from './answer.ts'
import type { ProviderAnswer } from './answer.ts'
import type { ErrorDetail, ProviderErrorKind } from './error-kind.ts'

const ANTHROPIC_ERRORS: Record<ProviderErrorKind, [status: number, type: string, message: string]> = {
  'missing-key': [401, 'authentication_error', 'x-api-key header is required'],
  'invalid-key': [401, 'authentication_error', 'invalid x-api-key'],
  'permission-denied': [
    403,
    'permission_error',
    'Your API key does not have permission to use the specified resource.',
  ],
  'rate-limited': [
    429,
    'rate_limit_error',
    'This request would exceed the rate limit for your organization of 50 requests per minute. Please reduce the prompt length or the maximum tokens requested, or try again later.',
  ],
  'out-of-quota': [
    400,
    'invalid_request_error',
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  ],
  overloaded: [529, 'overloaded_error', 'Overloaded'],
  'server-error': [500, 'api_error', 'Internal server error'],
  'bad-request': [400, 'invalid_request_error', 'Invalid request'],
  'model-not-found': [404, 'not_found_error', 'model'],
  'not-found': [404, 'not_found_error', 'Not found'],
}

export function anthropicError(kind: ProviderErrorKind, detail: ErrorDetail): ProviderAnswer {
  const [status, type, usual] = ANTHROPIC_ERRORS[kind]
  const message = detail.message ?? (kind === 'model-not-found' ? `model: ${detail.model ?? ''}` : usual)
  const requestId = newId('req_')
  const body = { type: 'error', error: { type, message }, request_id: requestId }
  const limit = kind === 'rate-limited' ? anthropicLimitHeaders(detail.retryAfterS ?? 1) : {}
  return jsonAnswer(status, body, { 'request-id': requestId, ...limit }, 0)
}

function anthropicLimitHeaders(retryAfterS: number): Record<string, string> {
  // RFC 3339 with whole seconds, never before the moment that retry-after names.
  const reset = new Date(Math.ceil(Date.now() / 1000 + retryAfterS) * 1000).toISOString().replace('.000Z', 'Z')
  return {
    'retry-after': String(Math.ceil(retryAfterS)),
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': reset,
  }
}
