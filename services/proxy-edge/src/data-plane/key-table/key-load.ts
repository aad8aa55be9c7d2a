// Requests under way on each key, over all workers: what `least_in_flight` chooses by. Kept for groups whose rules need it.
// A preference, not a promise: when a worker dies all counts begin anew, since nobody knows which were its own; what the
// others then give back does not go below zero.

import type { SharedColumns } from './shared-columns.ts'

export function enterKey(columns: SharedColumns, slot: number): void {
  Atomics.add(columns.inFlight, slot, 1)
}

/** Nothing when the slot was given to another key meanwhile. */
export function leaveKey(columns: SharedColumns, slot: number, keyId: number): void {
  if (columns.keyId[slot] !== keyId) return
  if (Atomics.sub(columns.inFlight, slot, 1) <= 0) Atomics.add(columns.inFlight, slot, 1)
}

/** The slot belongs to another key from now on. Reads first, so that memory that was never used stays so. */
export function forgetLoad(columns: SharedColumns, slot: number): void {
  if (columns.inFlight[slot] !== 0) Atomics.store(columns.inFlight, slot, 0)
}

/** A worker has died. Main thread. */
export function forgetAllLoad(columns: SharedColumns, slots: number): void {
  for (let slot = 0; slot < slots; slot += 1) forgetLoad(columns, slot)
}
