// Exponential back-off with full jitter: a random delay between `minMs` and the bound, which doubles with every
// attempt up to `maxMs`. Full jitter spreads the callers of a dependency that came back better than equal jitter does
// ("Exponential Backoff and Jitter", AWS Architecture Blog, 2015).

import type { Clock } from './clock.ts'

export type BackoffPolicy = {
  /** Bound of the first delay. */
  readonly baseMs: number
  /** Bound of every delay. */
  readonly maxMs: number
  /** No delay is shorter, so that a loop cannot spin (default 0). */
  readonly minMs?: number
}

export interface Backoff {
  /** The delay before the next attempt. */
  nextMs(): number
  /** To be called after a success. */
  reset(): void
  /** Attempts since the last reset. */
  readonly attempts: number
}

/** 2^30 times any base is above any bound in use; larger exponents only risk infinity. */
const MAX_EXPONENT = 30

export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number = Math.random): number {
  const { baseMs, maxMs, minMs = 0 } = policy
  const boundMs = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, MAX_EXPONENT))
  const floorMs = Math.min(minMs, maxMs)
  return Math.round(floorMs + random() * Math.max(0, boundMs - floorMs))
}

export function createBackoff(policy: BackoffPolicy, random: () => number = Math.random): Backoff {
  let attempts = 0
  return {
    nextMs: () => backoffMs(attempts++, policy, random),
    reset: () => void (attempts = 0),
    get attempts() {
      return attempts
    },
  }
}

export type RetryOptions<T> = {
  readonly run: (attempt: number) => Promise<T>
  readonly policy: BackoffPolicy
  readonly maxAttempts: number
  readonly clock: Clock
  readonly signal?: AbortSignal
  /** False ends at once with the error (default: every error is retried). */
  readonly isRetryable?: (error: unknown) => boolean
  readonly onRetry?: (error: unknown, delayMs: number) => void
  readonly random?: () => number
}

/** Runs until it succeeds, `maxAttempts` are used up or `signal` aborts; then throws the last error. */
export async function retryWithBackoff<T>(options: RetryOptions<T>): Promise<T> {
  const { run, policy, maxAttempts, clock, signal, isRetryable = () => true } = options
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted()
    try {
      return await run(attempt)
    } catch (error) {
      if (attempt + 1 >= maxAttempts || signal?.aborted || !isRetryable(error)) throw error
      const delayMs = backoffMs(attempt, policy, options.random)
      options.onRetry?.(error, delayMs)
      await clock.sleep(delayMs, signal)
    }
  }
}
