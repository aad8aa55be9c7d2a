// Work that is repeated for as long as the process lives. Runs never overlap: the next interval begins when a run has
// ended. A run that fails is logged and counted and changes nothing else; how long a run may take is its own matter,
// by the signal that it is given.

import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

export type PeriodicOptions = {
  readonly name: string
  readonly intervalMs: number
  /** Share of the interval by which each wait is lengthened or shortened at random, 0 to 1 (default 0.1). */
  readonly jitter?: number
  /** Run at once instead of after the first interval. */
  readonly isImmediate?: boolean
  readonly run: (signal: AbortSignal) => Promise<void> | void
  readonly logger: Logger
  readonly clock: Clock
  /** Ends it like `stop`. */
  readonly signal?: AbortSignal
  readonly random?: () => number
}

export interface Periodic {
  /** Runs now, or after the run under way. Many calls during one run make one more run. */
  trigger(): void
  /** No further run; resolves when the run under way has ended. Its signal is aborted. */
  stop(): Promise<void>
  readonly runs: number
  readonly failures: number
}

export function startPeriodic(options: PeriodicOptions): Periodic {
  const { name, logger, clock, run } = options
  const random = options.random ?? Math.random
  const stopping = new AbortController()
  let wake = new AbortController()
  let runs = 0
  let failures = 0

  function waitMs(): number {
    const jitter = options.jitter ?? 0.1
    return Math.max(0, options.intervalMs * (1 + jitter * (2 * random() - 1)))
  }

  async function pause(): Promise<void> {
    await clock.sleep(waitMs(), wake.signal)
    wake = new AbortController()
  }

  async function runOnce(): Promise<void> {
    runs += 1
    try {
      await run(stopping.signal)
    } catch (error) {
      if (stopping.signal.aborted) return
      failures += 1
      logger.error({ err: error, job: name, failures }, 'periodic run failed')
    }
  }

  async function loop(): Promise<void> {
    if (!options.isImmediate) await pause()
    while (!stopping.signal.aborted) {
      await runOnce()
      if (!stopping.signal.aborted) await pause()
    }
  }

  function stop(): Promise<void> {
    stopping.abort()
    wake.abort()
    options.signal?.removeEventListener('abort', stop)
    return finished
  }

  if (options.signal?.aborted) stopping.abort()
  options.signal?.addEventListener('abort', stop, { once: true })
  const finished = stopping.signal.aborted ? Promise.resolve() : loop()
  return {
    trigger: () => wake.abort(),
    stop,
    get runs() {
      return runs
    },
    get failures() {
      return failures
    },
  }
}
