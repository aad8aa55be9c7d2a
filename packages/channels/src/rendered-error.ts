import { proxyErrors } from '@gpt-load/contracts/proxy-errors'
import type { DialectError, RenderedError } from './channel.ts'

/**
 * Errors that the proxy makes, in the caller's dialect plus GPT-Load's top-level `code` and `message`
 * (gpt-load/proxy.md 12). SDKs choose their exception class by the status; the dialect's own names are for people.
 */
export function renderJson(body: object, error: DialectError, requestIdHeader: string): RenderedError {
  const headers = ['Content-Type', 'application/json; charset=utf-8']
  if (requestIdHeader !== '' && error.requestId !== '') headers.push(requestIdHeader, error.requestId)
  return { headers, body: JSON.stringify({ ...body, code: error.code, message: error.message }) }
}

/**
 * The blank line first ends whatever event was cut in the middle; between events it means nothing.
 *
 * @param name '' = an event without a name
 */
export function renderEvent(name: string, payload: object): string {
  const head = name === '' ? '' : `event: ${name}\n`
  return `\n\n${head}data: ${JSON.stringify(payload)}\n\n`
}

/** A comment: every parser passes over it (HTML, Server-sent events 9.2.5). */
export const commentEvent = ': keepalive\n\n'
/** What Anthropic itself sends. */
export const pingEvent = 'event: ping\ndata: {"type": "ping"}\n\n'

const openaiCodes = new Map<string, string>([
  ['UNAUTHORIZED', 'invalid_api_key'],
  ['MODEL_NOT_ALLOWED', 'model_not_found'],
  ['RATE_LIMITED', 'rate_limit_exceeded'],
  ['KEYS_RATE_LIMITED', 'rate_limit_exceeded'],
])

function openaiType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

export function openaiErrorObject({ status, code, message }: DialectError): object {
  return { message, type: openaiType(status), param: null, code: openaiCodes.get(code) ?? code.toLowerCase() }
}

const anthropicTypes = new Map<number, string>([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [proxyErrors.OVERLOADED.status, 'overloaded_error'],
  [504, 'timeout_error'],
])

export function anthropicErrorBody({ status, message, requestId }: DialectError): object {
  const type = anthropicTypes.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  return { type: 'error', error: { type, message }, request_id: requestId }
}

const geminiStatuses = new Map<number, string>([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'ABORTED'],
  [413, 'INVALID_ARGUMENT'],
  [429, 'RESOURCE_EXHAUSTED'],
  [500, 'INTERNAL'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
])

/** Google's clients read how long to wait from RetryInfo, not from a header. */
export function geminiErrorBody({ status, message, retryAfterSeconds }: DialectError): object {
  const name = geminiStatuses.get(status) ?? (status < 500 ? 'FAILED_PRECONDITION' : 'INTERNAL')
  const error = { code: status, message, status: name }
  if (retryAfterSeconds === 0) return { error }
  const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterSeconds}s` }
  return { error: { ...error, details: [retryInfo] } }
}
