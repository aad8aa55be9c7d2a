// Key id -> slot by open addressing (linear probing) over slot numbers; the ids themselves are in the key table's column,
// so that an entry costs 4 bytes. Main thread only.
// Invariant: load at most 2/3; deletion shifts back what follows, so there are no tombstones.

import { pointOf } from './sticky-index.ts'

const minCapacity = 1_024

export interface KeyIdIndex {
  /** -1 = unknown. */
  slotOf(keyId: number): number
  /** The id must not be in it, and its column must be set. */
  add(keyId: number, slot: number): void
  remove(keyId: number): void
  readonly size: number
}

/** `idOf` reads the key id of a slot. */
export function createKeyIdIndex(idOf: (slot: number) => number): KeyIdIndex {
  /** Slot + 1; 0 = empty. */
  let entries = new Int32Array(minCapacity)
  let mask = minCapacity - 1
  let size = 0

  function find(keyId: number): number {
    let at = pointOf(keyId) & mask
    for (let entry = entries[at] as number; entry !== 0; entry = entries[at] as number) {
      if (idOf(entry - 1) === keyId) return at
      at = (at + 1) & mask
    }
    return -1
  }

  function insert(keyId: number, entry: number): void {
    let at = pointOf(keyId) & mask
    while (entries[at] !== 0) at = (at + 1) & mask
    entries[at] = entry
  }

  function resize(capacity: number): void {
    const before = entries
    entries = new Int32Array(capacity)
    mask = capacity - 1
    for (const entry of before) if (entry !== 0) insert(idOf(entry - 1), entry)
  }

  return {
    slotOf(keyId) {
      const at = find(keyId)
      return at < 0 ? -1 : (entries[at] as number) - 1
    },
    add(keyId, slot) {
      if ((size + 1) * 3 > entries.length * 2) resize(entries.length * 2)
      insert(keyId, slot + 1)
      size += 1
    },
    remove(keyId) {
      let hole = find(keyId)
      if (hole < 0) return
      size -= 1
      for (let at = (hole + 1) & mask; entries[at] !== 0; at = (at + 1) & mask) {
        const home = pointOf(idOf((entries[at] as number) - 1)) & mask
        // The entry may move into the hole when its home is not between the hole and where it stands.
        if (((at - home) & mask) < ((at - hole) & mask)) continue
        entries[hole] = entries[at] as number
        hole = at
      }
      entries[hole] = 0
      if (entries.length > minCapacity && size * 8 < entries.length) resize(entries.length / 2)
    },
    get size() {
      return size
    },
  }
}
