// The one place where a key's facts change in the shared table: columns, counters, state hash, ring. Both the main thread
// and workers call it, always under the writer lock of the key's group.
// Invariant: after it, counters and hashes equal what the columns say; a key out for a time is in the attention queue.

import { severityOf, type KeyFacts } from '@gpt-load/contracts/key-state'
import { addKeyToHash, createStateHash, removeKeyFromHash, type StateHash } from '@gpt-load/key-health/state-hash'
import { header, headerWords, type SharedColumns } from './shared-columns.ts'
import { factsOf, isOutForATime, isTimed, membershipOf } from './stored-facts.ts'
import { membership, moveToSet } from './usable-set.ts'

/** True when the main thread must look at the slot: a deadline to watch or to end, or a ring without room. */
export function writeFacts(
  columns: SharedColumns,
  groupNumber: number,
  slot: number,
  facts: KeyFacts,
  serverNow: number,
): boolean {
  const before = factsOf(columns, slot)
  addToHash(columns, groupNumber, slot, facts, before)
  const state = severityOf[facts.state]
  countState(columns, groupNumber, columns.state[slot] as number, -1)
  countState(columns, groupNumber, state, 1)
  Atomics.add(columns.stamp, slot, 1)
  storeFacts(columns, slot, state, facts)
  Atomics.add(columns.stamp, slot, 1)
  const hasRoom = moveToSet(columns, groupNumber, slot, membershipOf(state, facts.until, serverNow))
  if (isOutForATime(state, facts.until, serverNow)) lowerEarliestReturn(columns, groupNumber, facts.until)
  // A deadline that has passed already must be ended too, and one that is gone must leave the main thread's heap.
  return !hasRoom || isTimed(state, facts.until) || before.until !== facts.until
}

/** Facts of a slot that had none; its place says `out` already. */
export function writeNewFacts(
  columns: SharedColumns,
  groupNumber: number,
  slot: number,
  facts: KeyFacts,
  serverNow: number,
): void {
  const state = severityOf[facts.state]
  storeFacts(columns, slot, state, facts)
  addToHash(columns, groupNumber, slot, facts, undefined)
  countState(columns, groupNumber, state, 1)
  countKey(columns, groupNumber, 1)
  moveToSet(columns, groupNumber, slot, membershipOf(state, facts.until, serverNow))
}

/** Most keys have no deadline and no failure: memory that was never written stays unused (12 bytes per key). */
function storeFacts(columns: SharedColumns, slot: number, state: number, facts: KeyFacts): void {
  columns.state[slot] = state
  columns.generation[slot] = facts.generation
  if (columns.until[slot] !== facts.until) columns.until[slot] = facts.until
  if (columns.failures[slot] !== facts.failures) columns.failures[slot] = facts.failures
}

/** Takes the key out of set, counters and hash; the columns stay for readers that hold the slot. */
export function forgetFacts(columns: SharedColumns, groupNumber: number, slot: number): void {
  moveToSet(columns, groupNumber, slot, membership.out)
  addToHash(columns, groupNumber, slot, undefined, factsOf(columns, slot))
  countState(columns, groupNumber, columns.state[slot] as number, -1)
  countKey(columns, groupNumber, -1)
}

function addToHash(
  columns: SharedColumns,
  groupNumber: number,
  slot: number,
  plus: KeyFacts | undefined,
  minus: KeyFacts | undefined,
): void {
  const keyId = columns.keyId[slot] as number
  const sum = readGroupHash(columns, groupNumber)
  if (plus) addKeyToHash(sum, keyId, plus)
  if (minus) removeKeyFromHash(sum, keyId, minus)
  const base = groupNumber * headerWords
  columns.headers[base + header.stateHashHigh] = sum.high
  columns.headers[base + header.stateHashLow] = sum.low
}

/** Without the group's lock the halves may be of two changes: for a report that is made again anyway. */
export function readGroupHash(columns: SharedColumns, groupNumber: number): StateHash {
  const base = groupNumber * headerWords
  const sum = createStateHash()
  sum.high = (columns.headers[base + header.stateHashHigh] as number) >>> 0
  sum.low = (columns.headers[base + header.stateHashLow] as number) >>> 0
  return sum
}

function countState(columns: SharedColumns, groupNumber: number, state: number, change: number): void {
  Atomics.add(columns.headers, groupNumber * headerWords + header.stateCounts + state, change)
}

function countKey(columns: SharedColumns, groupNumber: number, change: number): void {
  Atomics.add(columns.headers, groupNumber * headerWords + header.keyCount, change)
}

/** Only ever earlier here; the main thread sets it later when the key has returned. */
function lowerEarliestReturn(columns: SharedColumns, groupNumber: number, until: number): void {
  const index = (groupNumber * headerWords + header.earliestReturn) / 2
  const current = columns.headers64[index] as number
  if (current === 0 || until < current) columns.headers64[index] = until
}
