// The end of an edge under traffic, in the order of ARCHITECTURE.md (Failure table, Drain):
//
//   not ready; every answer says Connection: close, but new connections are still accepted       delayMs
//   one quiet second (no request came), bounded; then idle connections are closed
//   the listener closes; open streams finish                                                     gracefulTimeoutMs
//   records are handed over and sent, outcomes of keys are reported                              flushTimeoutMs
//
// A balancer that has not noticed yet keeps sending for the delay and is served.

import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { WorkerCommand } from './worker-protocol.ts'

const quietMs = 1_000
/** A client that keeps a connection busy does not keep the process: its answers say Connection: close. */
const maxQuietWaitMs = 10_000
const pollMs = 20
/** Enough for a log stream that answers; what is not sent by then is counted as lost and named. */
const flushTimeoutMs = 5_000

export type DrainOptions = {
  delayMs: number
  gracefulTimeoutMs: number
  startDraining(): void
  tellWorkers(message: WorkerCommand): void
  stopAccepting(): Promise<void>
  openRequests(): number
  lastRequestAtMs(): number
  /** Hands everything over that workers have recorded, and ends them. */
  closeWorkers(): Promise<void>
  flush(timeoutMs: number): Promise<void>
  clock: Clock
  logger: Logger
}

/** What was still open when the time was over: 0 when every stream ended whole. */
export async function drainEdge(options: DrainOptions): Promise<{ cutRequests: number }> {
  const { clock, logger, delayMs } = options
  logger.info({ delay_ms: delayMs, open_requests: options.openRequests() }, 'draining')
  options.startDraining()
  options.tellWorkers({ type: 'drain' })
  await clock.sleep(delayMs)
  // Without a delay there is no balancer to wait for.
  if (delayMs > 0) await untilQuiet(options)
  options.tellWorkers({ type: 'close_idle' })
  await options.stopAccepting()
  const cutRequests = await untilFinished(options)
  await options.closeWorkers()
  await options.flush(flushTimeoutMs)
  logger.info({ cut_requests: cutRequests }, 'drained')
  return { cutRequests }
}

async function untilQuiet({ clock, lastRequestAtMs }: DrainOptions): Promise<void> {
  const deadline = clock.monotonicMs() + maxQuietWaitMs
  while (clock.monotonicMs() < deadline) {
    const quietForMs = clock.nowMs() - lastRequestAtMs()
    if (quietForMs >= quietMs) return
    await clock.sleep(Math.max(pollMs, quietMs - quietForMs))
  }
}

async function untilFinished({ clock, openRequests, gracefulTimeoutMs }: DrainOptions): Promise<number> {
  const deadline = clock.monotonicMs() + gracefulTimeoutMs
  while (openRequests() > 0 && clock.monotonicMs() < deadline) await clock.sleep(pollMs)
  return openRequests()
}
