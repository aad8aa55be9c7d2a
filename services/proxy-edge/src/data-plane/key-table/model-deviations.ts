// Limits of a key for one model: only what deviates from the key's own state, in one bounded open-addressed table in shared
// memory, keyed by (key id, hash of the model). Written under one lock, read without: readers compare a version around
// what they read. Entries name the key id, never a slot, so a slot given to another key inherits nothing.
// Invariant: at most `control.modelMax` entries (MAX_MODEL_LIMITS). When it is full, what is due is swept; when that does not help, the new
// limit is not kept and counted: the key stays usable for the model, and the provider will say so again.

import { keyStates, severityOf, type KeyFacts } from '@gpt-load/contracts/key-state'
import type { TextHash } from './hash-text.ts'
import { acquireWord, releaseWord } from './writer-lock.ts'
import { control, header, headerWords, type SharedColumns } from './shared-columns.ts'
import { isOutForATime, membershipOf } from './stored-facts.ts'
import { pointOf } from './sticky-index.ts'
import { membership } from './usable-set.ts'

export const defaultMaxModelDeviations = 65_536
const entryBytes = 40

/** Memory for so many: at most half full, so that a miss ends after a step or two, and a power of two for the mask. */
export function modelTableBytes(maxModelDeviations: number): number {
  return 2 ** Math.ceil(Math.log2(maxModelDeviations * 2)) * entryBytes
}

/** A change moves a few entries. */
const lockWaitMs = 1_000
const maxReadAttempts = 8

export class ModelDeviations {
  readonly #columns: SharedColumns
  readonly #owner: number
  readonly #capacity: number
  readonly #mask: number
  /** 0 = empty. */
  readonly #keyId: Float64Array
  readonly #until: Float64Array
  readonly #high: Int32Array
  readonly #low: Int32Array
  readonly #group: Int32Array
  readonly #generation: Uint32Array
  readonly #failures: Uint32Array
  readonly #state: Uint8Array

  constructor(columns: SharedColumns, owner: number) {
    const memory = columns.handles.models
    const capacity = memory.byteLength / entryBytes
    this.#capacity = capacity
    this.#mask = capacity - 1
    this.#columns = columns
    this.#owner = owner
    this.#keyId = new Float64Array(memory, 0, capacity)
    this.#until = new Float64Array(memory, capacity * 8, capacity)
    this.#high = new Int32Array(memory, capacity * 16, capacity)
    this.#low = new Int32Array(memory, capacity * 20, capacity)
    this.#group = new Int32Array(memory, capacity * 24, capacity)
    this.#generation = new Uint32Array(memory, capacity * 28, capacity)
    this.#failures = new Uint32Array(memory, capacity * 32, capacity)
    this.#state = new Uint8Array(memory, capacity * 36, capacity)
  }

  get count(): number {
    return this.#columns.control[control.modelCount] as number
  }

  /** @param generation of the key: what was learnt before it was restored is void */
  isLimited(keyId: number, generation: number, hash: TextHash, serverNow: number): boolean {
    return this.#read(() => {
      const at = this.#find(keyId, hash)
      return at >= 0 && (this.#generation[at] as number) >= generation && this.#isOut(at, serverNow)
    })
  }

  facts(keyId: number, hash: TextHash): KeyFacts | undefined {
    return this.#read(() => {
      const at = this.#find(keyId, hash)
      return at < 0 ? undefined : this.#factsAt(at)
    })
  }

  /** Earliest return among the group's keys that are out for this model for a time; 0 = none. Walks the table. */
  earliestReturn(groupNumber: number, hash: TextHash, serverNow: number): number {
    let earliest = 0
    for (let at = 0; at < this.#capacity; at += 1) {
      if (this.#keyId[at] === 0 || this.#group[at] !== groupNumber || !this.#isModel(at, hash)) continue
      const until = this.#until[at] as number
      if (isOutForATime(this.#state[at] as number, until, serverNow) && (earliest === 0 || until < earliest)) {
        earliest = until
      }
    }
    return earliest
  }

  /**
   * `merge` gets what is stored and answers what shall be; undefined changes nothing, `active` removes the deviation.
   * False: nothing was changed (merge said so, or there is no room).
   */
  change(
    groupNumber: number,
    keyId: number,
    hash: TextHash,
    merge: (stored: KeyFacts | undefined) => KeyFacts | undefined,
  ): boolean {
    return this.#write(() => {
      const at = this.#find(keyId, hash)
      const facts = merge(at < 0 ? undefined : this.#factsAt(at))
      if (!facts) return false
      if (facts.state === 'active' && facts.failures === 0) {
        if (at >= 0) this.#removeAt(at)
        return true
      }
      if (at >= 0) this.#writeFacts(at, facts)
      else return this.#insert(groupNumber, keyId, hash, facts)
      return true
    })
  }

  /**
   * Drops what is due, what is void since its key was restored, and what belongs to keys that are gone (`generationOf`
   * answers -1). Main thread.
   */
  sweep(serverNow: number, generationOf: (keyId: number) => number): void {
    this.#write(() => {
      for (let at = 0; at < this.#capacity; at += 1) {
        while (this.#keyId[at] !== 0 && this.#isStale(at, serverNow, generationOf)) this.#removeAt(at)
      }
      return true
    })
  }

  /** Makes the table whole after a thread died in a change: everything is taken out and put back. Main thread. */
  repair(): void {
    const words = this.#columns.control
    if (((words[control.modelVersion] as number) & 1) === 0) Atomics.add(words, control.modelVersion, 1)
    const entries = this.#takeAll()
    for (const { groupNumber, keyId, hash, facts } of entries) {
      if (this.#find(keyId, hash) < 0) this.#insert(groupNumber, keyId, hash, facts)
    }
    Atomics.add(words, control.modelVersion, 1)
    releaseWord(words, control.modelLock)
  }

  #takeAll() {
    const entries = []
    for (let at = 0; at < this.#capacity; at += 1) {
      const keyId = this.#keyId[at] as number
      if (keyId === 0) continue
      const hash = { high: this.#high[at] as number, low: this.#low[at] as number }
      entries.push({ groupNumber: this.#group[at] as number, keyId, hash, facts: this.#factsAt(at) })
      this.#keyId[at] = 0
    }
    const { headers } = this.#columns
    for (let at: number = header.modelDeviations; at < headers.length; at += headerWords) headers[at] = 0
    Atomics.store(this.#columns.control, control.modelCount, 0)
    return entries
  }

  #isStale(at: number, serverNow: number, generationOf: (keyId: number) => number): boolean {
    const until = this.#until[at] as number
    if (until !== 0 && until <= serverNow) return true
    const generation = generationOf(this.#keyId[at] as number)
    return generation < 0 || (this.#generation[at] as number) < generation
  }

  #insert(groupNumber: number, keyId: number, hash: TextHash, facts: KeyFacts): boolean {
    if (this.count >= (this.#columns.control[control.modelMax] as number)) {
      Atomics.add(this.#columns.control, control.modelRefused, 1)
      return false
    }
    let at = this.#home(keyId, hash)
    while (this.#keyId[at] !== 0) at = (at + 1) & this.#mask
    this.#keyId[at] = keyId
    this.#high[at] = hash.high
    this.#low[at] = hash.low
    this.#group[at] = groupNumber
    this.#writeFacts(at, facts)
    this.#count(groupNumber, 1)
    return true
  }

  #writeFacts(at: number, facts: KeyFacts): void {
    this.#state[at] = severityOf[facts.state]
    this.#until[at] = facts.until
    this.#generation[at] = facts.generation
    this.#failures[at] = facts.failures
  }

  /** Shifts back what follows, so that no chain is cut. */
  #removeAt(start: number): void {
    this.#count(this.#group[start] as number, -1)
    let hole = start
    for (let at = (hole + 1) & this.#mask; this.#keyId[at] !== 0; at = (at + 1) & this.#mask) {
      const homeOfEntry = this.#home(this.#keyId[at] as number, {
        high: this.#high[at] as number,
        low: this.#low[at] as number,
      })
      if (((at - homeOfEntry) & this.#mask) < ((at - hole) & this.#mask)) continue
      this.#copy(at, hole)
      hole = at
    }
    this.#keyId[hole] = 0
  }

  #copy(from: number, to: number): void {
    this.#keyId[to] = this.#keyId[from] as number
    this.#until[to] = this.#until[from] as number
    this.#high[to] = this.#high[from] as number
    this.#low[to] = this.#low[from] as number
    this.#group[to] = this.#group[from] as number
    this.#generation[to] = this.#generation[from] as number
    this.#failures[to] = this.#failures[from] as number
    this.#state[to] = this.#state[from] as number
  }

  #count(groupNumber: number, change: number): void {
    Atomics.add(this.#columns.control, control.modelCount, change)
    Atomics.add(this.#columns.headers, groupNumber * headerWords + header.modelDeviations, change)
  }

  #find(keyId: number, hash: TextHash): number {
    let at = this.#home(keyId, hash)
    // Bounded for a reader that meets a change; a chain is never that long.
    for (let step = 0; step < this.#capacity && this.#keyId[at] !== 0; step += 1) {
      if (this.#keyId[at] === keyId && this.#isModel(at, hash)) return at
      at = (at + 1) & this.#mask
    }
    return -1
  }

  #isModel(at: number, hash: TextHash): boolean {
    return this.#high[at] === hash.high && this.#low[at] === hash.low
  }

  #isOut(at: number, serverNow: number): boolean {
    return membershipOf(this.#state[at] as number, this.#until[at] as number, serverNow) === membership.out
  }

  #factsAt(at: number): KeyFacts {
    return {
      state: keyStates[this.#state[at] as number] ?? 'active',
      until: this.#until[at] as number,
      generation: this.#generation[at] as number,
      failures: this.#failures[at] as number,
    }
  }

  #read<T>(read: () => T): T {
    const { control: words } = this.#columns
    for (let attempt = 0; ; attempt += 1) {
      const version = Atomics.load(words, control.modelVersion)
      const result = read()
      const isWhole = (version & 1) === 0 && Atomics.load(words, control.modelVersion) === version
      if (isWhole || attempt === maxReadAttempts) return result
    }
  }

  #write(write: () => boolean): boolean {
    const { control: words } = this.#columns
    if (!acquireWord(words, control.modelLock, this.#owner, lockWaitMs)) {
      Atomics.add(words, control.lockTimeouts, 1)
      return false
    }
    Atomics.add(words, control.modelVersion, 1)
    try {
      return write()
    } finally {
      Atomics.add(words, control.modelVersion, 1)
      releaseWord(words, control.modelLock)
    }
  }

  #home(keyId: number, hash: TextHash): number {
    return (pointOf(keyId) ^ hash.high ^ hash.low) & this.#mask
  }
}
