// The deadlines of all keys that are out for a time: a heap per group, so that each group's earliest return is known at
// once. Main thread only; workers' deadlines come in through the attention queue.

import { createDeadlineHeap, type DeadlineHeap, type DeadlinePlaces } from './deadline-heap.ts'
import { header, headerWords, type SharedColumns } from './shared-columns.ts'

export interface DeadlineWatch {
  /** By the deadline in the slot's column. Under the group's lock. */
  watch(groupNumber: number, slot: number): void
  forget(slot: number): void
  /** Every slot whose deadline has passed is forgotten and handed over. */
  takeDue(serverNow: number, take: (groupNumber: number, slot: number) => void): void
  /** Writes the group's earliest return where workers read it. Under the group's lock. */
  publish(groupNumber: number): void
}

export function createDeadlineWatch(columns: SharedColumns): DeadlineWatch {
  const heaps = new Map<number, DeadlineHeap>()
  const places: DeadlinePlaces = { places: new Int32Array(0), until: (slot) => columns.until[slot] as number }
  const heapOf = (slot: number): DeadlineHeap | undefined => heaps.get((columns.place[slot] as number) >>> 2)

  function makeRoom(slot: number): void {
    if (slot < places.places.length) return
    const larger = new Int32Array(columns.slots)
    larger.set(places.places)
    places.places = larger
  }

  return {
    watch(groupNumber, slot) {
      makeRoom(slot)
      const heap = heaps.get(groupNumber) ?? createDeadlineHeap(places)
      heaps.set(groupNumber, heap)
      heap.update(slot)
    },
    forget(slot) {
      if (slot < places.places.length && places.places[slot] !== 0) heapOf(slot)?.remove(slot)
    },
    takeDue(serverNow, take) {
      for (const [groupNumber, heap] of heaps) {
        while (heap.size > 0 && heap.firstDeadline() <= serverNow) {
          const slot = heap.first()
          heap.remove(slot)
          take(groupNumber, slot)
        }
        if (heap.size === 0) heaps.delete(groupNumber)
      }
    },
    publish(groupNumber) {
      const heap = heaps.get(groupNumber)
      const index = (groupNumber * headerWords + header.earliestReturn) / 2
      columns.headers64[index] = heap && heap.size > 0 ? heap.firstDeadline() : 0
    },
  }
}
