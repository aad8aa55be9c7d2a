import { createBackoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { describeStartupError } from './startup-error.ts'

/** Between a blink and what an operator who looks at the log has the patience for. */
const retryPolicy = { baseMs: 200, maxMs: 5_000 }

/**
 * Repeats what a dependency is needed for until it is there: a process that ends and is started again helps nobody. What
 * waiting cannot mend (a StartupError, or an error with its code) is thrown.
 */
export async function untilAvailable<T>(
  what: string,
  { logger, clock, signal }: { logger: Logger; clock: Clock; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff(retryPolicy)
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (describeStartupError(error) !== undefined) throw error
      signal.throwIfAborted()
      logger.warn({ err: error, what }, 'not available yet')
      await clock.sleep(backoff.nextMs(), signal)
    }
  }
}
