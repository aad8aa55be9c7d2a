// The usable keys of a set on a circle of 2^32 points, for paths that must meet the same key on every edge: multi-probe
// consistent hashing (Appleton, O'Reilly 2015). A key has one point, hash(key id); an affinity has `probes` points; the
// key whose point follows one of them most closely is chosen. Like rendezvous hashing it depends on the set of usable keys
// alone, in whatever order they came, and moves only what the lost key had; unlike it, it needs no walk over all keys.
//
// Stored as buckets by the leading bits of the point (about one key each), chained by the `next` column, with a bitmap of
// the buckets in use and a bitmap of its words, so that a successor is found in a few reads even when one key of a million
// is usable. The number of buckets differs between edges and never changes the answer.

import type { SlotFilter } from './ruled-pick.ts'
import type { SharedColumns } from './shared-columns.ts'
import { setWord } from './shared-columns.ts'

/** Most-loaded key over the mean stays near 1 + 1/probes. */
const probes = 16
/** Entries looked at per probe before the walk is cut (a chain read while it changes may lead anywhere). */
const maxEntriesPerProbe = 4_096
export const minHeadsBits = 5

/** Words of the two bitmaps over 2^bits buckets. */
export function bitmapWords(bits: number): number {
  return lowerWords(bits) + Math.max(1, lowerWords(bits) >>> 5)
}

function lowerWords(bits: number): number {
  return 1 << (bits - 5)
}

/** Murmur3's finaliser over both halves of the id: neighbouring ids lie far apart. */
export function pointOf(id: number): number {
  return mix((id >>> 0) ^ Math.imul((id / 4_294_967_296) >>> 0, 0x9e3779b1))
}

function mix(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

export function insertSticky(columns: SharedColumns, set: number, slot: number): void {
  const { headers, rings } = columns
  const bits = headers[set + setWord.headsBits] as number
  if (bits === 0) return
  const bucket = bucketOf(pointOf(columns.keyId[slot] as number), bits)
  const head = (headers[set + setWord.headsOffset] as number) + bucket
  columns.next[slot] = rings[head] as number
  rings[head] = slot + 1
  setBit(rings, headers[set + setWord.bitmapOffset] as number, bits, bucket)
}

export function removeSticky(columns: SharedColumns, set: number, slot: number): void {
  const { headers, rings, next } = columns
  const bits = headers[set + setWord.headsBits] as number
  if (bits === 0) return
  const bucket = bucketOf(pointOf(columns.keyId[slot] as number), bits)
  const head = (headers[set + setWord.headsOffset] as number) + bucket
  const entry = slot + 1
  if (rings[head] === entry) rings[head] = next[slot] as number
  else {
    let previous = (rings[head] as number) - 1
    while (previous >= 0 && next[previous] !== entry) previous = (next[previous] as number) - 1
    if (previous >= 0) next[previous] = next[slot] as number
  }
  next[slot] = 0
  if (rings[head] === 0) clearBit(rings, headers[set + setWord.bitmapOffset] as number, bits, bucket)
}

function bucketOf(point: number, bits: number): number {
  return point >>> (32 - bits)
}

function setBit(rings: Int32Array, bitmap: number, bits: number, bucket: number): void {
  const word = bucket >>> 5
  rings[bitmap + word]! |= 1 << (bucket & 31)
  rings[bitmap + lowerWords(bits) + (word >>> 5)]! |= 1 << (word & 31)
}

function clearBit(rings: Int32Array, bitmap: number, bits: number, bucket: number): void {
  const word = bucket >>> 5
  rings[bitmap + word]! &= ~(1 << (bucket & 31))
  if (rings[bitmap + word] === 0) rings[bitmap + lowerWords(bits) + (word >>> 5)]! &= ~(1 << (word & 31))
}

/** First bucket in use at or behind `from`, round the end; -1 = none. */
function nextBucket(rings: Int32Array, bitmap: number, bits: number, from: number): number {
  const word = from >>> 5
  const rest = (rings[bitmap + word] as number) & (-1 << (from & 31))
  if (rest !== 0) return (word << 5) + lowestBit(rest)
  const lower = lowerWords(bits)
  const upper = Math.max(1, lower >>> 5)
  const start = (word + 1) % lower
  const startUpper = start >>> 5
  for (let step = 0; step <= upper; step += 1) {
    const index = (startUpper + step) % upper
    let summary = rings[bitmap + lower + index] as number
    if (step === 0) summary &= -1 << (start & 31)
    if (summary === 0) continue
    const found = (index << 5) + lowestBit(summary)
    const bitsOfWord = rings[bitmap + found] as number
    if (bitsOfWord !== 0) return (found << 5) + lowestBit(bitsOfWord)
  }
  return -1
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}

/** The slot chosen for the affinity; -1 = none. May be wrong while the set changes: the caller compares versions. */
export function searchSticky(columns: SharedColumns, set: number, affinity: number, filter: SlotFilter): number {
  if ((columns.headers[set + setWord.headsBits] as number) === 0) return -1
  let best = -1
  let bestDistance = Number.POSITIVE_INFINITY
  for (let probe = 0; probe < probes; probe += 1) {
    const point = mix(pointOf(affinity) + Math.imul(probe + 1, 0x9e3779b1))
    const slot = successor(columns, set, point, filter)
    if (slot < 0) return best
    const distance = (pointOf(columns.keyId[slot] as number) - point) >>> 0
    if (distance > bestDistance || (distance === bestDistance && !isLower(columns, slot, best))) continue
    best = slot
    bestDistance = distance
  }
  return best
}

/** First pickable key at or behind `point`; equal points go by key id. */
function successor(columns: SharedColumns, set: number, point: number, filter: SlotFilter): number {
  const { headers, rings, next } = columns
  const bits = headers[set + setWord.headsBits] as number
  const heads = headers[set + setWord.headsOffset] as number
  const bitmap = headers[set + setWord.bitmapOffset] as number
  const first = bucketOf(point, bits)
  const buckets = 2 ** bits
  let entries = 0
  let bucket = first
  // The first bucket comes twice: its keys behind the point at the start, those before it at the end of the round.
  for (let travelled = 0; travelled <= buckets && entries < maxEntriesPerProbe;) {
    let best = -1
    let bestDistance = Number.POSITIVE_INFINITY
    let slot = ((rings[heads + bucket] as number) | 0) - 1
    for (; slot >= 0 && slot < columns.slots && entries < maxEntriesPerProbe; slot = (next[slot] as number) - 1) {
      entries += 1
      const keyPoint = pointOf(columns.keyId[slot] as number)
      if (travelled === 0 && keyPoint < point) continue
      const distance = (keyPoint - point) >>> 0
      if (distance > bestDistance || (distance === bestDistance && !isLower(columns, slot, best))) continue
      if (!filter.isPickable(slot)) continue
      best = slot
      bestDistance = distance
    }
    if (best >= 0) return best
    const following = nextBucket(rings, bitmap, bits, (bucket + 1) % buckets)
    if (following < 0) return -1
    travelled += (following - bucket + buckets) % buckets || buckets
    bucket = following
  }
  return -1
}

function isLower(columns: SharedColumns, slot: number, other: number): boolean {
  return other < 0 || (columns.keyId[slot] as number) < (columns.keyId[other] as number)
}
