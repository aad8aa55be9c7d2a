// Room for rings and sticky indexes: extents of powers of two in one shared array. The main thread alone gives and takes
// extents. A reader may still look into one that was given back: entries prove nothing, `place` does.
// Invariant: extents never overlap; an extent given back is used again for the next of its size.

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
  const freeBySize: number[][] = Array.from({ length: 32 }, () => [])
  let end = 0
  let usedWords = 0

  function allocate(size: number): number {
    const words = 2 ** size
    usedWords += words
    const free = freeBySize[size]?.pop()
    if (free !== undefined) return free
    const offset = end
    end += words
    if (end > (columns.control[control.ringCapacity] as number)) columns.growRings(end)
    return offset
  }

  function giveBack(offset: number, words: number): void {
    if (words === 0) return
    const size = sizeFor(words)
    usedWords -= 2 ** size
    freeBySize[size]?.push(offset)
  }

  function moveRing(set: number, capacity: number): void {
    const { headers } = columns
    const before = { offset: word(set, setWord.ringOffset), capacity: word(set, setWord.ringCapacity) }
    const offset = allocate(sizeFor(capacity))
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
    const heads = allocate(bits)
    const bitmap = allocate(sizeFor(bitmapWords(bits)))
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
      return usedWords
    },
  }
}

/** log2, rounded up. */
function sizeFor(words: number): number {
  return words <= 1 ? 0 : 32 - Math.clz32(words - 1)
}
