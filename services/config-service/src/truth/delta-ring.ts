import { maxDeltaBytes, type SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { Position } from './read-position.ts'

/**
 * The latest deltas, so that a pull right after a change asks no database. Neighbouring entries meet; applying several in
 * their order is the same as one delta over all of them. Within an answer the order of entries is kept: facts of a key must
 * not come before the key.
 */
export type RingEntry = {
  previous: number
  revision: number
  records: readonly SnapshotRecord[]
  bytes: number
}

/** With some overhead per record about 30 MiB of memory, plain text of the keys changed last included. */
const maxRingBytes = 8 * 1_048_576
const maxEntries = 4_096

export interface DeltaRing {
  readonly head: Position
  /** Forgets all: what comes next does not follow from what is here. */
  reset(position: Position): void
  append(entry: RingEntry): void
  /** Entries that lead from `since` to the head; null when the ring does not reach back or they exceed one answer. */
  after(since: number): readonly RingEntry[] | null
}

export function createDeltaRing(position: Position): DeltaRing {
  let head = position
  let entries: RingEntry[] = []
  let bytes = 0
  return {
    get head() {
      return head
    },
    reset(next) {
      head = next
      entries = []
      bytes = 0
    },
    append(entry) {
      if (entry.previous !== head.revision) throw new RangeError('a ring entry must follow its head')
      entries.push(entry)
      bytes += entry.bytes
      head = { epoch: head.epoch, revision: entry.revision }
      while (bytes > maxRingBytes || entries.length > maxEntries) bytes -= entries.shift()?.bytes ?? bytes
    },
    after(since) {
      const first = entries.findIndex(({ revision }) => revision > since)
      const found = first === -1 ? [] : entries.slice(first)
      if (found[0] === undefined || found[0].previous > since) return null
      return found.reduce((sum, entry) => sum + entry.bytes, 0) <= maxDeltaBytes ? found : null
    },
  }
}
