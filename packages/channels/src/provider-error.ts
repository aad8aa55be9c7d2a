import { listOf, objectOf, parseJson, textOf } from './json-value.ts'
import type { JsonObject } from './json-value.ts'

/**
 * What an error body says, in whatever shape: OpenAI, Anthropic, Google, Azure, relays that wrap one in another, HTML,
 * nothing. `codes` are the structured names, most specific first; only they and the status decide about keys. The
 * message is for logs, and for the few whole sentences that a channel lists.
 */
export type ProviderError = {
  codes: readonly string[]
  message: string
  /** The message as far as the error object itself holds it; '' when the message is only the raw body. */
  statement: string
  /** google.rpc details. */
  details: readonly JsonObject[]
  /** Found as text inside another error's message: a caller may have written it, so alone it proves nothing. */
  isQuoted: boolean
}

export const maxMessageLength = 2_048
/** A code is a name, never a sentence: anything else in its place is not taken for one. */
const codePattern = /^[\w.:/-]{1,100}$/

export function parseProviderError(body: string): ProviderError {
  return readProviderError(parseJson(body), body)
}

/** @param text what the message falls back to when the value holds none */
export function readProviderError(value: unknown, text: string): ProviderError {
  const root = objectOf(Array.isArray(value) ? value[0] : value)
  if (root === null) return { codes: [], message: cut(text), statement: '', details: [], isQuoted: false }
  const outer = readError(errorObjectOf(root), root, text)
  if (outer.codes.length > 0) return outer
  const quoted = objectOf(parseJson(outer.message))
  if (quoted === null || objectOf(quoted['error']) === null) return outer
  return { ...readError(errorObjectOf(quoted), quoted, outer.message), isQuoted: true }
}

function errorObjectOf(root: JsonObject): JsonObject {
  const { error } = root
  if (typeof error !== 'string') return objectOf(error) ?? objectOf(objectOf(root['response'])?.['error']) ?? root
  return objectOf(objectOf(parseJson(error))?.['error']) ?? objectOf(parseJson(error)) ?? root
}

function readError(error: JsonObject, root: JsonObject, text: string): ProviderError {
  const details = listOf(error['details'])
    .map(objectOf)
    .filter((detail) => detail !== null)
  const reasons = details.map((detail) => detail['reason'])
  const inner = objectOf(error['innererror'])
  const names = [...reasons, inner?.['code'], error['code'], error['type'], error['status']]
  return {
    codes: names.map(codeOf).filter((code) => code !== ''),
    message: messageOf(error, root, text),
    statement: cut(statementOf(error, root)),
    details,
    isQuoted: false,
  }
}

function codeOf(value: unknown): string {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : ''
  return typeof value === 'string' && codePattern.test(value) ? value : ''
}

function messageOf(error: JsonObject, root: JsonObject, text: string): string {
  const found = [statementOf(error, root), root['error_msg'], root['error'], root['message']].map(textOf)
  return cut(found.find((message) => message !== '') ?? text)
}

function statementOf(error: JsonObject, root: JsonObject): string {
  return error === root ? '' : textOf(error['message'])
}

function cut(text: string): string {
  return text.length > maxMessageLength ? text.slice(0, maxMessageLength) : text
}
