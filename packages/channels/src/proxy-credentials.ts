import { headerValue } from './header-value.ts'

/**
 * Where callers put their access key: query `key`, bearer token, `x-api-key`, `x-goog-api-key`, `api-key`, and for
 * WebSockets the sub-protocol of OpenAI's SDKs. The first place that holds a value decides, even when it is wrong
 * (gpt-load/proxy.md 2). None of them is ever forwarded.
 */
export const credentialHeaderNames = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key'] as const

const protocolHeader = 'sec-websocket-protocol'
const protocolPrefix = 'openai-insecure-api-key.'

/** '' = the caller sent none. */
export function findAccessKey(query: string, headers: readonly string[]): string {
  return (
    keyOfQuery(query) ||
    bearerToken(headerValue(headers, 'authorization')) ||
    trimmed(headerValue(headers, 'x-api-key')) ||
    trimmed(headerValue(headers, 'x-goog-api-key')) ||
    trimmed(headerValue(headers, 'api-key')) ||
    keyOfProtocols(headerValue(headers, protocolHeader))
  )
}

/** The query without any `key`; what remains keeps its bytes and order. */
export function removeKeyFromQuery(query: string): string {
  if (!mayHoldKey(query)) return query
  return query
    .split('&')
    .filter((parameter) => !isKey(parameter))
    .join('&')
}

/** The offered sub-protocols without the one that carries the key; '' = none left, leave the header out. */
export function removeKeyFromProtocols(value: string): string {
  const offered = value.split(',').map((protocol) => protocol.trim())
  return offered.filter((protocol) => protocol !== '' && !protocol.startsWith(protocolPrefix)).join(', ')
}

function keyOfQuery(query: string): string {
  if (!mayHoldKey(query)) return ''
  for (const parameter of query.split('&')) {
    const value = isKey(parameter) ? decode(parameter.slice(parameter.indexOf('=') + 1)) : ''
    if (value !== '' && parameter.includes('=')) return value
  }
  return ''
}

/** Spares nearly every request the split. An escape may spell the name: `%6bey`. */
function mayHoldKey(query: string): boolean {
  return query !== '' && (query.includes('key') || query.includes('%'))
}

function isKey(parameter: string): boolean {
  const end = parameter.indexOf('=')
  const name = end === -1 ? parameter : parameter.slice(0, end)
  return name === 'key' || (name.includes('%') && decode(name) === 'key')
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced).trim()
  } catch {
    return spaced.trim()
  }
}

const usualScheme = 'Bearer '

function bearerToken(value: string | null): string {
  if (value === null) return ''
  // Spares nearly every request the regular expression.
  const isUsual = value.length > usualScheme.length && value.startsWith(usualScheme)
  if (isUsual && !value.includes(' ', usualScheme.length)) return value.slice(usualScheme.length)
  return /^\s*bearer\s+(\S+)\s*$/i.exec(value)?.[1] ?? ''
}

function trimmed(value: string | null): string {
  return value === null ? '' : value.trim()
}

function keyOfProtocols(value: string | null): string {
  if (value === null) return ''
  const found = value.split(',').find((protocol) => protocol.trim().startsWith(protocolPrefix))
  return found === undefined ? '' : found.trim().slice(protocolPrefix.length)
}
