import { objectOf, parseJson } from './json-value.ts'
import type { JsonObject } from './json-value.ts'
import { readProviderError } from './provider-error.ts'
import type { ProviderError } from './provider-error.ts'

/**
 * The error that a 200 stream begins with, if it is one: `event: error`, a payload with an `error` member, a Responses
 * stream that failed at once, or a bare JSON error where a stream was promised.
 *
 * @returns null for a real event, a comment or a ping; `status` is what the payload names (Google does), else 0.
 */
export function preambleError(text: string): { error: ProviderError; status: number } | null {
  const payload = firstPayload(text)
  const value = parseJson(payload)
  const event = objectOf(Array.isArray(value) ? value[0] : value)
  if (event === null || !isError(event)) return null
  const status = objectOf(event['error'])?.['code']
  const isStatus = typeof status === 'number' && status >= 400 && status < 600
  return { error: readProviderError(event, payload), status: isStatus ? status : 0 }
}

/**
 * A first event that says nothing yet, so that an error may still follow unseen by the caller: a comment, Anthropic's `ping`, the
 * bookkeeping of a Responses stream, Azure's empty choices with the verdict on the prompt.
 */
export function isPreambleEvent(text: string): boolean {
  const payload = firstPayload(text)
  if (payload === '') return true
  const event = objectOf(parseJson(payload))
  if (event === null) return false
  const { type, choices, usage } = event
  if (typeof type === 'string' && silentTypes.has(type)) return true
  return Array.isArray(choices) && choices.length === 0 && objectOf(usage) === null
}

const silentTypes: ReadonlySet<string> = new Set([
  'ping',
  'response.created',
  'response.queued',
  'response.in_progress',
])

function firstPayload(text: string): string {
  const trimmed = text.trim()
  if (trimmed.startsWith('{') || trimmed.startsWith('[')) return trimmed
  const line = trimmed.split(/\r\n|\n|\r/).find((part) => part.startsWith('data:'))
  return line === undefined ? '' : line.slice('data:'.length).trim()
}

function isError(event: JsonObject): boolean {
  const { error, type } = event
  if (objectOf(error) !== null || (typeof error === 'string' && error !== '')) return true
  return type === 'error' || type === 'response.failed'
}
