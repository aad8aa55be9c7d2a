// Which slots are free. A vacated slot rests before it is given to another key: a worker that has picked it reads id and
// secret within the same turn of its event loop, so that no request can meet a key of another group in it.
// Invariant: a slot is handed out again `slotRestMs` after it was vacated at the earliest. Main thread only; the lists run
// through the `next` column, so they cost nothing.

import { control, type SharedColumns } from './shared-columns.ts'

/** Longer than any turn of an event loop that still serves. */
export const slotRestMs = 2_000
/** Vacated slots of this many ms share one entry of the resting list. */
const batchMs = 50

export interface SlotAllocator {
  take(): number
  /** The slot is out of every set and chain. */
  vacate(slot: number): void
  /** Slots that were ever in use: what a scan over all has to look at. */
  readonly filled: number
}

type Batch = { head: number; tail: number; atMs: number }

export function createSlotAllocator(columns: SharedColumns, monotonicMs: () => number): SlotAllocator {
  const resting: Batch[] = []
  /** Slot + 1; 0 = none. */
  let freeHead = 0
  let filled = 0

  function releaseRested(): void {
    const limitMs = monotonicMs() - slotRestMs
    for (let batch = resting[0]; batch && batch.atMs <= limitMs; batch = resting[0]) {
      columns.next[batch.tail - 1] = freeHead
      freeHead = batch.head
      resting.shift()
    }
  }

  return {
    take() {
      if (freeHead === 0) releaseRested()
      if (freeHead !== 0) {
        const slot = freeHead - 1
        freeHead = columns.next[slot] as number
        columns.next[slot] = 0
        return slot
      }
      if (filled === columns.control[control.slotCapacity]) columns.growSlots(filled + 1)
      filled += 1
      return filled - 1
    },
    vacate(slot) {
      const nowMs = monotonicMs()
      const last = resting.at(-1)
      if (last && nowMs - last.atMs < batchMs) {
        columns.next[slot] = last.head
        last.head = slot + 1
        // The youngest member counts.
        last.atMs = Math.max(last.atMs, nowMs - batchMs + 1)
      } else {
        columns.next[slot] = 0
        resting.push({ head: slot + 1, tail: slot + 1, atMs: nowMs })
      }
    },
    get filled() {
      return filled
    },
  }
}
