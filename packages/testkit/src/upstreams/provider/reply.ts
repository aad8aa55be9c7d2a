import type { TokenUsage } from './answer.ts'

/** What the model "says" in every dialect. */
export type Reply = {
  text: string
  /** Called when the request declares tools and does not yet carry a tool's result; else the text is said. */
  toolCalls: { name: string; arguments: Record<string, unknown> }[]
  usage: TokenUsage
}

export const DEFAULT_REPLY: Reply = {
  text: 'Hello! This is a deterministic answer of the fake provider, long enough to come in pieces. ✓ äöü 你好 🙂',
  toolCalls: [],
  usage: { promptTokens: 12, completionTokens: 34, cachedTokens: 0, reasoningTokens: 0 },
}

export type StreamPace = {
  /** Content deltas per stream. */
  chunks: number
  /** Pause before each event. */
  intervalMs: number
}

/** Cuts text into so many pieces, never inside a character. */
export function splitText(text: string, pieces: number): string[] {
  const characters = Array.from(text)
  const count = Math.max(1, Math.min(pieces, characters.length))
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor((index * characters.length) / count)
    return characters.slice(start, Math.floor(((index + 1) * characters.length) / count)).join('')
  })
}
