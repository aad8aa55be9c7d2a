import { randomBytes } from 'node:crypto'

/** What the provider will send, before faults. Several chunks are a stream, sent without a length. */
export type ProviderAnswer = {
  status: number
  headers: [name: string, value: string][]
  chunks: Buffer[]
  isStream: boolean
  /** Tokens that this answer accounts for, for the counters. */
  usage?: TokenUsage
  /** Frames an error as an event of this stream. */
  errorFrame?: (kind: StreamErrorKind) => Buffer
}

export type StreamErrorKind = 'overloaded' | 'rate-limited' | 'server-error'

/** Whole counts as a bill would show them: completion includes reasoning, prompt includes cached. */
export type TokenUsage = {
  promptTokens: number
  completionTokens: number
  cachedTokens: number
  reasoningTokens: number
}

type Headers = Record<string, string>

export function jsonAnswer(status: number, value: unknown, headers: Headers = {}, indent = 2): ProviderAnswer {
  const text = JSON.stringify(value, null, indent) + (indent > 0 ? '\n' : '')
  return bytesAnswer(status, 'application/json', Buffer.from(text), headers)
}

export function bytesAnswer(status: number, contentType: string, bytes: Buffer, headers: Headers = {}): ProviderAnswer {
  return {
    status,
    headers: Object.entries({ 'content-type': contentType, ...headers }),
    chunks: [bytes],
    isStream: false,
  }
}

export function streamAnswer(
  contentType: string,
  chunks: Buffer[],
  errorFrame: NonNullable<ProviderAnswer['errorFrame']>,
): ProviderAnswer {
  return { status: 200, headers: [['content-type', contentType]], chunks, isStream: true, errorFrame }
}

/** An id such as providers give: prefix and random characters. */
export function newId(prefix: string, bytes = 12): string {
  return prefix + randomBytes(bytes).toString('hex')
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
