// A clock for tests: time stands still until `advance`. Timers fire in order of their deadline, and what they start
// (promises, sockets) gets a turn of the event loop before the next one.

import { createClock, type Clock } from './clock.ts'

export interface ManualClock extends Clock {
  /** Moves both clocks on, firing every timer that becomes due, also those that are set meanwhile. */
  advance(durationMs: number): Promise<void>
  /** Moves the wall clock only, as a correction of the system's time does. */
  shiftWallClock(byMs: number): void
  readonly pendingTimers: number
}

type PendingTimer = { readonly dueMs: number; readonly run: () => void }

export function createManualClock(options: { readonly nowMs?: number } = {}): ManualClock {
  let wallMs = options.nowMs ?? Date.UTC(2026, 0, 1)
  let monotonicMs = 0
  const timers = new Set<PendingTimer>()

  function moveTo(targetMs: number): void {
    wallMs += targetMs - monotonicMs
    monotonicMs = targetMs
  }

  function nextDue(limitMs: number): PendingTimer | undefined {
    let next: PendingTimer | undefined
    for (const timer of timers) if (timer.dueMs <= limitMs && (!next || timer.dueMs < next.dueMs)) next = timer
    return next
  }

  const clock = createClock({
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    setTimeout(run, delayMs) {
      const timer = { dueMs: monotonicMs + Math.max(0, delayMs), run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  })

  async function advance(durationMs: number): Promise<void> {
    const limitMs = monotonicMs + durationMs
    await turn()
    for (let timer = nextDue(limitMs); timer; timer = nextDue(limitMs)) {
      timers.delete(timer)
      moveTo(Math.max(monotonicMs, timer.dueMs))
      timer.run()
      await turn()
    }
    moveTo(limitMs)
  }

  return {
    ...clock,
    advance,
    shiftWallClock: (byMs) => void (wallMs += byMs),
    get pendingTimers() {
      return timers.size
    },
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
