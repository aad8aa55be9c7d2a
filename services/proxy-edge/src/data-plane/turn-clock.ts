import { performance } from 'node:perf_hooks'

/**
 * What time it was when the event loop came to what it is doing: whoever is called by it (bytes, connection, timer, end of the
 * turn) reads the clock once, and all that follows from it has that time. A request asks for the time fifteen times, and
 * each reading is a call out of V8 and into the kernel's page: together 3 % of what it costs.
 *
 * Where no caller reads it, the time is that of the last reading. While anything is timed the wheel reads it every tick
 * (timer-wheel.ts), and once more when it begins, so it is 10 ms and the length of a turn late at most.
 */
let startedMs = performance.now()

/** To be called first by what the event loop calls. */
export function startTurn(): void {
  startedMs = performance.now()
}

/** Monotonic ms of this thread, as `performance.now()` has them. */
export function turnMs(): number {
  return startedMs
}
