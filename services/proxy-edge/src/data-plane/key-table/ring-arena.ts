// Room for rings and sticky indexes: extents of powers of two in one shared array. The main thread alone gives and takes
// extents. A reader may still look into one that was given back: entries prove nothing, `place` does.

import { createBuddyExtents } from './buddy-extents.ts'
import { bitmapWords, insertSticky, minHeadsBits } from './sticky-index.ts'
import { control, setWord, type SharedColumns } from './shared-columns.ts'

const minRingCapacity = 16

export interface RingArena {
  /** Room for `capacity` keys in the set. Under the group's lock (or before anyone knows the group). */
  reserve(set: number, capacity: number): void
  /** Gives back what the set holds; it is empty then. */
  release(set: number): void
  readonly usedWords: number
}

export function createRingArena(columns: SharedColumns): RingArena {
  const extents = createBuddyExtents((words) => {
    if (words > (columns.control[control.ringCapacity] as number)) columns.growRings(words)
  })

  function giveBack(offset: number, words: number): void {
    if (words > 0) extents.giveBack(offset, sizeFor(words))
  }

  function moveRing(set: number, capacity: number): void {
    const { headers } = columns
    const before = { offset: word(set, setWord.ringOffset), capacity: word(set, setWord.ringCapacity) }
    const offset = extents.allocate(sizeFor(capacity))
    const length = word(set, setWord.length)
    columns.rings.copyWithin(offset, before.offset, before.offset + length)
    Atomics.store(headers, set + setWord.ringOffset, offset)
    Atomics.store(headers, set + setWord.ringCapacity, capacity)
    giveBack(before.offset, before.capacity)
  }

  function remakeIndex(set: number, bits: number): void {
    const { headers } = columns
    Atomics.add(headers, set + setWord.version, 1)
    freeIndex(set)
    const heads = extents.allocate(bits)
    const bitmap = extents.allocate(sizeFor(bitmapWords(bits)))
    columns.rings.fill(0, heads, heads + 2 ** bits)
    columns.rings.fill(0, bitmap, bitmap + bitmapWords(bits))
    headers[set + setWord.headsOffset] = heads
    headers[set + setWord.bitmapOffset] = bitmap
    headers[set + setWord.headsBits] = bits
    const ring = word(set, setWord.ringOffset)
    const length = word(set, setWord.length)
    for (let at = 0; at < length; at += 1) insertSticky(columns, set, columns.rings[ring + at] as number)
    Atomics.add(headers, set + setWord.version, 1)
  }

  function freeIndex(set: number): void {
    const bits = word(set, setWord.headsBits)
    if (bits === 0) return
    giveBack(word(set, setWord.headsOffset), 2 ** bits)
    giveBack(word(set, setWord.bitmapOffset), bitmapWords(bits))
    columns.headers[set + setWord.headsBits] = 0
  }

  function word(set: number, index: number): number {
    return columns.headers[set + index] as number
  }

  return {
    reserve(set, wanted) {
      const current = word(set, setWord.ringCapacity)
      const capacity = 2 ** sizeFor(Math.max(minRingCapacity, wanted))
      // Shrinks only far below, so that a pool that breathes does not copy its ring each time.
      if (wanted <= current && capacity * 8 > current) return
      if (capacity !== current) moveRing(set, capacity)
      const bits = Math.max(minHeadsBits, sizeFor(capacity))
      if (bits !== word(set, setWord.headsBits)) remakeIndex(set, bits)
    },
    release(set) {
      freeIndex(set)
      giveBack(word(set, setWord.ringOffset), word(set, setWord.ringCapacity))
      columns.headers.fill(0, set, set + setWord.version)
    },
    get usedWords() {
      return extents.usedWords
    },
  }
}

/** log2, rounded up. */
function sizeFor(words: number): number {
  return words <= 1 ? 0 : 32 - Math.clz32(words - 1)
}
