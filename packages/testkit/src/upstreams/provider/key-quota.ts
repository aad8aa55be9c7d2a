// Limits of one key as providers keep them: so many requests and tokens in a window that begins with its first request.
// Every answer says what is left (the headers of OpenAI and of Anthropic); past a limit it is 429.

import type { ProviderAnswer } from './answer.ts'
import type { ProviderDialect } from './dialect.ts'
import { goDuration } from './openai-error.ts'

export type QuotaLimits = {
  requests: number
  /** Whole usage of an answer counts when it is made. */
  tokens?: number
  /** A minute at real providers; shorter in tests. */
  windowMs?: number
}

export interface KeyQuota {
  /** Seconds to wait when a limit is reached; null = the request is taken in. */
  take(): number | null
  /** Counts what the answer used, and says in its headers what is left. */
  settle(answer: ProviderAnswer): ProviderAnswer
}

const MINUTE_MS = 60_000

export function createKeyQuota(
  { requests, tokens = Infinity, windowMs = MINUTE_MS }: QuotaLimits,
  dialect: ProviderDialect,
  now: () => number = Date.now,
): KeyQuota {
  let endMs = 0
  let usedRequests = 0
  let usedTokens = 0

  function turn(): void {
    if (now() < endMs) return
    endMs = now() + windowMs
    usedRequests = 0
    usedTokens = 0
  }

  return {
    take() {
      turn()
      if (usedRequests >= requests || usedTokens >= tokens) return (endMs - now()) / 1000
      usedRequests += 1
      return null
    },
    settle(answer) {
      turn()
      const { promptTokens = 0, completionTokens = 0 } = answer.usage ?? {}
      usedTokens += promptTokens + completionTokens
      const resetS = Math.max(0, endMs - now()) / 1000
      const left: [kind: string, remaining: number][] = [['requests', requests - usedRequests]]
      if (tokens !== Infinity) left.push(['tokens', Math.max(0, tokens - usedTokens)])
      const headers = left.flatMap(([kind, remaining]) => quotaHeaders(dialect, kind, remaining, resetS, now()))
      const ours = new Set(headers.map(([name]) => name))
      return { ...answer, headers: [...answer.headers.filter(([name]) => !ours.has(name)), ...headers] }
    },
  }
}

function quotaHeaders(
  dialect: ProviderDialect,
  kind: string,
  remaining: number,
  resetS: number,
  nowMs: number,
): [name: string, value: string][] {
  if (dialect !== 'anthropic')
    return [
      [`x-ratelimit-remaining-${kind}`, String(remaining)],
      [`x-ratelimit-reset-${kind}`, goDuration(resetS)],
    ]
  return [
    [`anthropic-ratelimit-${kind}-remaining`, String(remaining)],
    [`anthropic-ratelimit-${kind}-reset`, new Date(nowMs + resetS * 1000).toISOString()],
  ]
}
