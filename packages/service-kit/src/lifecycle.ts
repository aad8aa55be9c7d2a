// What a process opened, it closes in the reverse order, each within its time. Each resource registers its close where
// it is opened, so an opening that fails half-way leaves nothing behind. A close that fails or hangs is logged and the
// next one follows.

import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

export interface Lifecycle {
  /** Registers the close of what was just opened. During or after `close` it runs at once. */
  onClose(name: string, close: () => Promise<unknown> | unknown, options?: { readonly timeoutMs?: number }): void
  /** Closes everything; later calls get the same promise. Never rejects: `failed` names what did not close. */
  close(): Promise<{ readonly failed: readonly string[] }>
  /** Aborts when closing begins. */
  readonly signal: AbortSignal
}

export type LifecycleOptions = {
  readonly logger: Pick<Logger, 'debug' | 'error'>
  readonly clock: Clock
}

type Closable = { readonly name: string; readonly close: () => Promise<unknown> | unknown; readonly timeoutMs: number }

/** Enough for a flush over a network; whoever needs longer (open streams) says so. */
const DEFAULT_TIMEOUT_MS = 10_000

export function createLifecycle({ logger, clock }: LifecycleOptions): Lifecycle {
  const opened: Closable[] = []
  const failed: string[] = []
  const closing = new AbortController()
  let finished: Promise<{ readonly failed: readonly string[] }> | undefined

  async function closeOne({ name, close, timeoutMs }: Closable): Promise<void> {
    const startedMs = clock.monotonicMs()
    try {
      await withinTime(close, timeoutMs, clock)
      logger.debug({ resource: name, duration_ms: Math.round(clock.monotonicMs() - startedMs) }, 'closed')
    } catch (error) {
      failed.push(name)
      logger.error({ err: error, resource: name }, 'closing failed')
    }
  }

  async function closeAll(): Promise<{ readonly failed: readonly string[] }> {
    closing.abort()
    for (let next = opened.pop(); next; next = opened.pop()) await closeOne(next)
    return { failed }
  }

  return {
    signal: closing.signal,
    close: () => (finished ??= closeAll()),
    onClose(name, close, options = {}) {
      const closable = { name, close, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS }
      if (!finished) return void opened.push(closable)
      const before = finished
      finished = Promise.all([before, closeOne(closable)]).then(([result]) => result)
    },
  }
}

async function withinTime(run: () => Promise<unknown> | unknown, timeoutMs: number, clock: Clock): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = clock.setTimeout(() => reject(new Error(`not closed within ${timeoutMs} ms`)), timeoutMs)
  try {
    await Promise.race([Promise.try(run), late])
  } finally {
    timer.cancel()
  }
}
