/** A timer that can be called off; calling it off late does nothing. */
export interface Timer {
  cancel(): void
}

/** Time as a dependency, so that tests can advance it. `manual-clock.ts` is the one for tests. */
export interface Clock {
  /** Wall clock; may jump. */
  nowMs(): number
  /** Never goes back; only differences have a meaning. */
  monotonicMs(): number
  /** `isBackground` timers do not keep the process alive. */
  setTimeout(run: () => void, delayMs: number, options?: { readonly isBackground?: boolean }): Timer
  /** Resolves after `delayMs`, or at once when `signal` aborts: the caller looks at the signal. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** Node fires timers above 2^31-1 ms at once; longer ones are waited for in steps. */
const MAX_STEP_MS = 2 ** 31 - 1

export function createSystemClock(): Clock {
  return createClock({
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimeout: startTimer,
  })
}

/** Completes a clock with what follows from its timers. */
export function createClock(base: Omit<Clock, 'sleep'>): Clock {
  function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const timer = base.setTimeout(finish, delayMs)
      signal?.addEventListener('abort', finish, { once: true })
      function finish(): void {
        timer.cancel()
        signal?.removeEventListener('abort', finish)
        resolve()
      }
    })
  }
  return { ...base, sleep }
}

function startTimer(run: () => void, delayMs: number, options: { readonly isBackground?: boolean } = {}): Timer {
  let remainingMs = Math.max(0, delayMs)
  let handle = arm()
  function arm(): NodeJS.Timeout {
    const stepMs = Math.min(remainingMs, MAX_STEP_MS)
    remainingMs -= stepMs
    const timeout = setTimeout(() => (remainingMs > 0 ? void (handle = arm()) : run()), stepMs)
    return options.isBackground ? timeout.unref() : timeout
  }
  return { cancel: () => clearTimeout(handle) }
}
