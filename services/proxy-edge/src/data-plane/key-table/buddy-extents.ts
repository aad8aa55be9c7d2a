// Extents of 2^size words in an array that only grows: the buddy system (Knuth, TAOCP 1, 2.5). An extent begins at a multiple of its
// length; its buddy is the other half of the extent of twice its length, and two free buddies become that one. So what a
// ring and its index leave behind as they double is where the next larger index goes: without it, outgrown extents of
// every size stay in memory, as much again as what is in use.
// Invariant: extents never overlap; no free extent has a free buddy.

export interface BuddyExtents {
  /** Its first word. What is there is what its last owner left. */
  allocate(size: number): number
  giveBack(offset: number, size: number): void
  readonly usedWords: number
}

const maxSize = 31

/** `onGrow` is told how many words there are now. */
export function createBuddyExtents(onGrow: (words: number) => void): BuddyExtents {
  const freeBySize = Array.from({ length: maxSize + 1 }, () => new Set<number>())
  let end = 0
  let usedWords = 0

  function take(size: number): number | undefined {
    const [offset] = freeBySize[size] as Set<number>
    if (offset !== undefined) freeBySize[size]?.delete(offset)
    return offset
  }

  /** The smallest free extent that is large enough; the halves that are not needed stay free. */
  function split(size: number): number | undefined {
    for (let larger = size; larger <= maxSize; larger += 1) {
      const offset = take(larger)
      if (offset === undefined) continue
      while (larger > size) {
        larger -= 1
        freeBySize[larger]?.add(offset + 2 ** larger)
      }
      return offset
    }
    return undefined
  }

  function append(size: number): number {
    const words = 2 ** size
    // Up to the next multiple of its length: those words are free from now on.
    while (end % words !== 0) {
      const gap = 31 - Math.clz32(end & -end)
      const offset = end
      end += 2 ** gap
      merge(offset, gap)
    }
    const offset = end
    end += words
    onGrow(end)
    return offset
  }

  function merge(offset: number, size: number): void {
    let start = offset
    let merged = size
    for (; merged < maxSize; merged += 1) {
      const isUpper = Math.floor(start / 2 ** merged) % 2 === 1
      const buddy = isUpper ? start - 2 ** merged : start + 2 ** merged
      if (freeBySize[merged]?.delete(buddy) !== true) break
      if (isUpper) start = buddy
    }
    freeBySize[merged]?.add(start)
  }

  return {
    allocate(size) {
      usedWords += 2 ** size
      return split(size) ?? append(size)
    },
    giveBack(offset, size) {
      usedWords -= 2 ** size
      merge(offset, size)
    },
    get usedWords() {
      return usedWords
    },
  }
}
