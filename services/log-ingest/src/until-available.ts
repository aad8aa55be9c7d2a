import { createBackoff } from '@gpt-load/service-kit/backoff'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { SchemaTooNew } from '@gpt-load/database/migrate'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { TopicsNotReady } from '@gpt-load/transport/ensure-topics'

/** Repeats what a dependency is needed for until it is there; what waiting cannot mend ends the start with its message. */
export async function untilAvailable<T>(
  what: string,
  { logger, clock, signal }: { logger: Logger; clock: Clock; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff({ baseMs: 200, maxMs: 5_000 })
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof SchemaTooNew)
        throw new StartupError(error.message, 'run the release that made it, or a newer one', { cause: error })
      if (error instanceof TopicsNotReady)
        throw new StartupError(error.message, 'or allow it with KAFKA_CREATE_TOPICS=true', { cause: error })
      signal.throwIfAborted()
      logger.warn({ err: error, what }, 'not available yet')
      await clock.sleep(backoff.nextMs(), signal)
    }
  }
}
