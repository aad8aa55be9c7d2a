import type { Clock } from '@gpt-load/service-kit/clock'

/**
 * Slows down guessing: after `maxFailures` within a window, an address is refused until the window ends, whatever it
 * sends (an answer that depended on the key would tell a right guess). Memory is bounded: past `maxAddresses` the one
 * that failed longest ago is forgotten.
 */
export interface FailureThrottle {
  /** Milliseconds that the address must wait; 0 = it may try. */
  waitMs(address: string): number
  recordFailure(address: string): void
}

export type FailureThrottleOptions = {
  clock: Pick<Clock, 'monotonicMs'>
  maxFailures?: number
  windowMs?: number
  maxAddresses?: number
}

export function createFailureThrottle(options: FailureThrottleOptions): FailureThrottle {
  const { clock, maxFailures = 10, windowMs = 60_000, maxAddresses = 10_000 } = options
  const windows = new Map<string, { endsAtMs: number; failures: number }>()

  function current(address: string): { endsAtMs: number; failures: number } | undefined {
    const window = windows.get(address)
    if (window === undefined || window.endsAtMs > clock.monotonicMs()) return window
    windows.delete(address)
    return undefined
  }

  return {
    waitMs(address) {
      const window = current(address)
      if (window === undefined || window.failures < maxFailures) return 0
      return Math.ceil(window.endsAtMs - clock.monotonicMs())
    },
    recordFailure(address) {
      const window = current(address) ?? { endsAtMs: clock.monotonicMs() + windowMs, failures: 0 }
      window.failures += 1
      windows.delete(address)
      windows.set(address, window)
      if (windows.size <= maxAddresses) return
      const [oldest] = windows.keys()
      if (oldest !== undefined) windows.delete(oldest)
    },
  }
}
