// One writer lock per group, an owner's number in the group's header. Held for one swap; readers never take it. A thread
// that dies with it leaves its number behind: the main thread hears of the death (worker-pool), or finds the lock still
// held past its deadline, repairs what the lock protects from the columns and frees it.
// Invariant: only the main thread takes a lock away from another owner, and repairs before it frees.

import { control, header, headerWords, type SharedColumns } from './shared-columns.ts'

/** The main thread's number; workers count from 2. */
export const mainOwner = 1
/** A change takes microseconds, making the ring of a million keys larger some 50 ms: who holds a lock for longer is dead. */
export const lockLifeMs = 2_000
/** A worker gives its change up after this; the main thread has repaired a lost lock by then. */
const workerWaitMs = 3_000
const waitSliceMs = 5
const spins = 200

export interface WriterLock {
  /** False: not to be had in time, nothing may be changed. */
  acquire(groupNumber: number): boolean
  release(groupNumber: number): void
}

export function createWorkerLock(columns: SharedColumns, owner: number): WriterLock {
  return {
    acquire(groupNumber) {
      const isHeld = acquireWord(columns.headers, lockWord(groupNumber), owner, workerWaitMs)
      if (!isHeld) Atomics.add(columns.control, control.lockTimeouts, 1)
      return isHeld
    },
    release: (groupNumber) => releaseWord(columns.headers, lockWord(groupNumber)),
  }
}

/** The main thread's: after the deadline the lock is lost, `repair` makes the group whole. Always acquires. */
export function createMainLock(columns: SharedColumns, repair: (groupNumber: number) => void): WriterLock {
  return {
    acquire(groupNumber) {
      const word = lockWord(groupNumber)
      if (acquireWord(columns.headers, word, mainOwner, lockLifeMs)) return true
      Atomics.store(columns.headers, word, mainOwner)
      Atomics.add(columns.control, control.lockSteals, 1)
      repair(groupNumber)
      return true
    },
    release: (groupNumber) => releaseWord(columns.headers, lockWord(groupNumber)),
  }
}

export function lockWord(groupNumber: number): number {
  return groupNumber * headerWords + header.lockOwner
}

export function acquireWord(words: Int32Array, index: number, owner: number, waitMs: number): boolean {
  for (let spin = 0; spin < spins; spin += 1) if (Atomics.compareExchange(words, index, 0, owner) === 0) return true
  const deadlineMs = monotonicMs() + waitMs
  while (monotonicMs() < deadlineMs) {
    const holder = Atomics.compareExchange(words, index, 0, owner)
    if (holder === 0) return true
    Atomics.wait(words, index, holder, waitSliceMs)
  }
  return false
}

export function releaseWord(words: Int32Array, index: number): void {
  Atomics.store(words, index, 0)
  Atomics.notify(words, index, 1)
}

/** The same clock in every thread of the process, unlike performance.now(). */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1e6
}
