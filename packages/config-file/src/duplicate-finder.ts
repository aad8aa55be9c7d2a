// Finds repeated keys among millions without keeping them: a hash of 53 bits and where it was first seen, in typed
// arrays (12 bytes per slot, at most 40 per key; a Map of the keys would need ten times that). Two different
// keys with one hash are possible (one chance in 18,000 among a million), so what it finds is for warnings only.

export interface DuplicateFinder {
  /** Where `key` was seen before, else undefined and `place` is remembered. Places are from 1 to 2^32-1. */
  firstPlaceOf(key: string, place: number): number | undefined
}

const FIRST_SLOTS = 1_024
/** Share of slots in use at which the table doubles; linear probing gets slow above. */
const MAX_LOAD = 0.6

export function createDuplicateFinder(): DuplicateFinder {
  let hashes = new Float64Array(FIRST_SLOTS)
  let places = new Uint32Array(FIRST_SLOTS)
  let used = 0

  /** The slot of `hash`, or the free one where it belongs. */
  function slotOf(hash: number): number {
    let slot = hash % hashes.length
    while (places[slot] !== 0 && hashes[slot] !== hash) slot = (slot + 1) % hashes.length
    return slot
  }

  function grow(): void {
    const [oldHashes, oldPlaces] = [hashes, places]
    hashes = new Float64Array(oldHashes.length * 2)
    places = new Uint32Array(oldHashes.length * 2)
    for (const [index, place] of oldPlaces.entries()) if (place !== 0) store(oldHashes[index] as number, place)
  }

  function store(hash: number, place: number): void {
    const slot = slotOf(hash)
    hashes[slot] = hash
    places[slot] = place
  }

  return {
    firstPlaceOf(key, place) {
      const hash = hash53(key)
      const known = places[slotOf(hash)]
      if (known) return known
      if (used >= hashes.length * MAX_LOAD) grow()
      store(hash, place)
      used += 1
      return undefined
    },
  }
}

/** Two multiplicative hashes of 32 bits, mixed to 53 (cyrb53, public domain). Not for anything but duplicates. */
function hash53(text: string): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    high = Math.imul(high ^ code, 2_654_435_761)
    low = Math.imul(low ^ code, 1_597_334_677)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0)
}
