import { setTimeout as delay } from 'node:timers/promises'

/** Only a test that fails waits so long; two cores that run many servers may stall for seconds. */
const defaultTimeoutMs = 15_000

export type UntilOptions = {
  /** Completes "timed out after N ms waiting for …". */
  what: string
  timeoutMs?: number
  intervalMs?: number
}

/**
 * Waits until `condition` gives something truthy and returns it; for conditions that no event announces.
 * A condition that throws counts as not yet met; its last error is the cause of the time-out.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeoutMs = defaultTimeoutMs, intervalMs = 10 }: UntilOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      const result = await condition()
      if (result) return result
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() >= deadline) throw timeOut(what, timeoutMs, cause)
    await delay(intervalMs)
  }
}

function timeOut(what: string, timeoutMs: number, cause: unknown): Error {
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  return new Error(`timed out after ${timeoutMs} ms waiting for ${what}${reason}`, { cause })
}
