// The usable keys of a group, in two sets: active ones, and suspect ones that are used when no active one is left. A set is
// a ring of slot numbers for rotation and a sticky index. Both change under the group's writer lock, in O(1): the last entry
// of the ring takes the place of the one that leaves.
// Invariant: a slot is in at most one set, the one that its `place` names; `place` changes first when a key leaves and last
// when it comes, so that a reader that checks `place` after it read an entry is never wrong about a key, only late.

import { header, headerWords, setWord, type SharedColumns } from './shared-columns.ts'
import { insertSticky, removeSticky } from './sticky-index.ts'

/** `vacant` is 0, as fresh memory is. */
export const membership = { vacant: 0, active: 1, suspect: 2, out: 3 } as const
export type Membership = (typeof membership)[keyof typeof membership]

export function placeOf(groupNumber: number, member: Membership): number {
  return (groupNumber << 2) | member
}

export function setBase(groupNumber: number, member: Membership): number {
  return groupNumber * headerWords + (member === membership.active ? header.activeSet : header.suspectSet)
}

export function cursorWord(groupNumber: number, member: Membership): number {
  return groupNumber * headerWords + (member === membership.active ? header.activeCursor : header.suspectCursor)
}

/**
 * Moves the slot to where `member` says. False: the set has no room (only the main thread can make some); the slot is out
 * then. Under the group's lock.
 */
export function moveToSet(columns: SharedColumns, groupNumber: number, slot: number, member: Membership): boolean {
  const current = ((columns.place[slot] as number) & 3) as Membership
  if (current === member) return true
  Atomics.store(columns.place, slot, placeOf(groupNumber, membership.out))
  if (current !== membership.out) leave(columns, setBase(groupNumber, current), slot)
  if (member === membership.out) return true
  if (!enter(columns, setBase(groupNumber, member), slot)) return false
  Atomics.store(columns.place, slot, placeOf(groupNumber, member))
  return true
}

function enter(columns: SharedColumns, set: number, slot: number): boolean {
  const { headers } = columns
  const length = headers[set + setWord.length] as number
  if (length >= (headers[set + setWord.ringCapacity] as number)) return false
  const offset = headers[set + setWord.ringOffset] as number
  if (offset + length >= columns.rings.length) columns.refresh()
  columns.rings[offset + length] = slot
  columns.ringPosition[slot] = length
  changeIndex(columns, set, () => insertSticky(columns, set, slot))
  Atomics.store(headers, set + setWord.length, length + 1)
  return true
}

function leave(columns: SharedColumns, set: number, slot: number): void {
  const { headers, ringPosition } = columns
  const offset = headers[set + setWord.ringOffset] as number
  const last = (headers[set + setWord.length] as number) - 1
  if (offset + last >= columns.rings.length) columns.refresh()
  const { rings } = columns
  const position = ringPosition[slot] as number
  const moved = rings[offset + last] as number
  rings[offset + position] = moved
  ringPosition[moved] = position
  Atomics.store(headers, set + setWord.length, last)
  changeIndex(columns, set, () => removeSticky(columns, set, slot))
}

/** Readers of the index compare the version before and after; odd means that it changes just now. */
function changeIndex(columns: SharedColumns, set: number, change: () => void): void {
  if (columns.headers[set + setWord.headsBits] === 0) return
  Atomics.add(columns.headers, set + setWord.version, 1)
  columns.refresh()
  change()
  Atomics.add(columns.headers, set + setWord.version, 1)
}
