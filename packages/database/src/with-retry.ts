import { setTimeout as sleep } from 'node:timers/promises'
import { asDatabaseError, faultOf } from './database-errors.ts'

/**
 * Repeats a transaction that a deadlock, a lock wait or SQLite's busy file ended: it left nothing behind. A lost connection
 * is never repeated here, since the commit may have happened.
 */
const maxTries = 12
const firstPauseMs = 4
const maxPauseMs = 250

export async function withRetry<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === maxTries || faultOf(error) !== 'conflict') throw asDatabaseError(error)
    }
    // Full jitter: writers that collided must not collide again in step.
    await sleep(Math.random() * Math.min(maxPauseMs, firstPauseMs * 2 ** tries))
  }
}
