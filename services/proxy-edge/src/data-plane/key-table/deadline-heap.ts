// Keys that are out for a time, earliest deadline first: a binary heap of slot numbers per group, with each slot's place in
// it, so that a deadline can be moved or taken out in O(log n). Typed arrays; main thread only.
// Invariant: a slot is in at most one heap; its place is 0 when it is in none.

export interface DeadlinePlaces {
  /** Position in its heap + 1, by slot. */
  places: Int32Array
  /** Deadline by slot. */
  until(slot: number): number
}

export interface DeadlineHeap {
  readonly size: number
  /** Slot with the earliest deadline; -1 = none. */
  first(): number
  /** Its deadline as it was when the slot was put here; only when `size` is not 0. */
  firstDeadline(): number
  /** Puts the slot where its deadline belongs. */
  update(slot: number): void
  remove(slot: number): void
}

const minCapacity = 16

export function createDeadlineHeap(shared: DeadlinePlaces): DeadlineHeap {
  let slots = new Int32Array(minCapacity)
  let deadlines = new Float64Array(minCapacity)
  let size = 0

  function resize(capacity: number): void {
    const [slotsBefore, deadlinesBefore] = [slots, deadlines]
    slots = new Int32Array(capacity)
    slots.set(slotsBefore.subarray(0, size))
    deadlines = new Float64Array(capacity)
    deadlines.set(deadlinesBefore.subarray(0, size))
  }

  function set(at: number, slot: number, deadline: number): void {
    slots[at] = slot
    deadlines[at] = deadline
    shared.places[slot] = at + 1
  }

  function rise(start: number, slot: number, deadline: number): void {
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((deadlines[parent] as number) <= deadline) break
      set(at, slots[parent] as number, deadlines[parent] as number)
      at = parent
    }
    set(at, slot, deadline)
  }

  function sink(start: number, slot: number, deadline: number): void {
    let at = start
    for (let child = at * 2 + 1; child < size; child = at * 2 + 1) {
      if (child + 1 < size && (deadlines[child + 1] as number) < (deadlines[child] as number)) child += 1
      if ((deadlines[child] as number) >= deadline) break
      set(at, slots[child] as number, deadlines[child] as number)
      at = child
    }
    set(at, slot, deadline)
  }

  function place(at: number, slot: number, deadline: number): void {
    if (at > 0 && (deadlines[(at - 1) >> 1] as number) > deadline) rise(at, slot, deadline)
    else sink(at, slot, deadline)
  }

  return {
    get size() {
      return size
    },
    first: () => (size === 0 ? -1 : (slots[0] as number)),
    firstDeadline: () => deadlines[0] as number,
    update(slot) {
      const known = (shared.places[slot] as number) - 1
      if (known >= 0) return place(known, slot, shared.until(slot))
      if (size === slots.length) resize(size * 2)
      size += 1
      rise(size - 1, slot, shared.until(slot))
    },
    remove(slot) {
      const at = (shared.places[slot] as number) - 1
      if (at < 0) return
      shared.places[slot] = 0
      size -= 1
      if (at < size) place(at, slots[size] as number, deadlines[size] as number)
      if (slots.length > minCapacity && size * 4 < slots.length) resize(slots.length / 2)
    },
  }
}
