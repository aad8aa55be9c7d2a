// Which key made a resource (a file, a batch, a stored response): learnt from answers, so that later calls reach the same
// key on every edge. A cache in shared memory, of buckets of eight entries by the hash of group and id; a bucket that is full
// loses its oldest entry. All workers and the main thread write, readers never wait: they compare the bucket's version
// before and after. What is not found here falls back to the rendezvous key.
// Invariant: an entry names slot and key; who finds it compares the slot's key, so a slot given to another key is no answer.

import type { TextHash } from './hash-text.ts'
import { control, type SharedColumns } from './shared-columns.ts'

/** 2^17 entries of 24 bytes. */
export const maxResourceKeys = 131_072
const entriesPerBucket = 8
const buckets = maxResourceKeys / entriesPerBucket
export const resourceTableBytes = maxResourceKeys * 24 + buckets * 4
/** A change is a few stores; whoever needs longer is dead, and the main thread frees the bucket. */
const maxSpins = 1_000
const maxReadAttempts = 8
const minuteMs = 60_000
const countAgainMs = 10_000

export class ResourceKeys {
  readonly #columns: SharedColumns
  readonly #keyId: Float64Array
  readonly #high: Int32Array
  readonly #low: Int32Array
  readonly #slot: Int32Array
  /** Clock minute in which it ends; 0 = empty. */
  readonly #endMinute: Int32Array
  /** By bucket; odd while it changes. */
  readonly #version: Int32Array
  #counted = 0
  #countedAtMs = -Infinity

  constructor(columns: SharedColumns) {
    const memory = columns.handles.resources
    this.#columns = columns
    this.#keyId = new Float64Array(memory, 0, maxResourceKeys)
    this.#high = new Int32Array(memory, maxResourceKeys * 8, maxResourceKeys)
    this.#low = new Int32Array(memory, maxResourceKeys * 12, maxResourceKeys)
    this.#slot = new Int32Array(memory, maxResourceKeys * 16, maxResourceKeys)
    this.#endMinute = new Int32Array(memory, maxResourceKeys * 20, maxResourceKeys)
    this.#version = new Int32Array(memory, maxResourceKeys * 24, buckets)
  }

  /** Slot of the key; -1 = not known, `goneSlot` = known, and the key is no longer there. */
  find(hash: TextHash, nowMs: number): number {
    const bucket = bucketOf(hash)
    for (let attempt = 0; ; attempt += 1) {
      const version = Atomics.load(this.#version, bucket)
      const slot = this.#search(bucket, hash, nowMs)
      const isWhole = (version & 1) === 0 && Atomics.load(this.#version, bucket) === version
      if (isWhole || attempt === maxReadAttempts) return isWhole ? slot : -1
    }
  }

  /** False: it was known already, or the bucket was not to be had. */
  put(hash: TextHash, keyId: number, slot: number, endMs: number, nowMs: number): boolean {
    if (this.find(hash, nowMs) === slot) return false
    const bucket = bucketOf(hash)
    if (!this.#acquire(bucket)) return false
    const at = this.#placeIn(bucket, hash, nowMs)
    this.#keyId[at] = keyId
    this.#high[at] = hash.high
    this.#low[at] = hash.low
    this.#slot[at] = slot
    this.#endMinute[at] = Math.ceil(endMs / minuteMs)
    Atomics.add(this.#version, bucket, 1)
    return true
  }

  /** Key ids of another epoch mean nothing. Main thread. */
  clear(): void {
    this.#endMinute.fill(0)
    this.#countedAtMs = -Infinity
  }

  /** A thread died: no bucket stays closed. Main thread. */
  repair(): void {
    for (let bucket = 0; bucket < buckets; bucket += 1)
      if ((Atomics.load(this.#version, bucket) & 1) === 1) Atomics.add(this.#version, bucket, 1)
  }

  /** Walks the table, at most once in `countAgainMs`: reports ask each second, and half a megabyte is read. */
  count(nowMs: number): number {
    if (Math.abs(nowMs - this.#countedAtMs) < countAgainMs) return this.#counted
    const minute = nowMs / minuteMs
    let count = 0
    for (let at = 0; at < maxResourceKeys; at += 1) if (this.#endMinute[at]! > minute) count += 1
    this.#counted = count
    this.#countedAtMs = nowMs
    return count
  }

  #acquire(bucket: number): boolean {
    for (let spin = 0; spin < maxSpins; spin += 1) {
      const version = Atomics.load(this.#version, bucket)
      if ((version & 1) === 0 && Atomics.compareExchange(this.#version, bucket, version, version + 1) === version)
        return true
    }
    return false
  }

  #search(bucket: number, hash: TextHash, nowMs: number): number {
    const first = bucket * entriesPerBucket
    for (let at = first; at < first + entriesPerBucket; at += 1) {
      if (!this.#isEntry(at, hash) || (this.#endMinute[at] as number) * minuteMs <= nowMs) continue
      const slot = this.#slot[at] as number
      if (slot >= this.#columns.slots) this.#columns.refresh()
      return this.#columns.keyId[slot] === this.#keyId[at] ? slot : goneSlot
    }
    return -1
  }

  /** Its own place, else an empty or ended one, else the one that ends first. */
  #placeIn(bucket: number, hash: TextHash, nowMs: number): number {
    const first = bucket * entriesPerBucket
    let place = first
    for (let at = first; at < first + entriesPerBucket; at += 1) {
      if (this.#isEntry(at, hash) && this.#endMinute[at] !== 0) return at
      if ((this.#endMinute[at] as number) < (this.#endMinute[place] as number)) place = at
    }
    const isLost = (this.#endMinute[place] as number) * minuteMs > nowMs
    if (isLost) Atomics.add(this.#columns.control, control.resourcesLost, 1)
    return place
  }

  #isEntry(at: number, hash: TextHash): boolean {
    return this.#low[at] === hash.low && this.#high[at] === hash.high
  }
}

export const goneSlot = -2

function bucketOf({ high, low }: TextHash): number {
  return (Math.imul(high ^ (low >>> 13), 0x9e3779b1) >>> 8) % buckets
}
