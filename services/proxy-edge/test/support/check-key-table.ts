import assert from 'node:assert/strict'
import { keyStates } from '@gpt-load/contracts/key-state'
import { addKeyToHash, createStateHash, formatStateHash } from '@gpt-load/key-health/state-hash'
import type { KeyTableWriter } from '../../src/data-plane/key-table/key-table-writer.ts'
import { header, headerWords, SharedColumns, setWord } from '../../src/data-plane/key-table/shared-columns.ts'
import { pointOf } from '../../src/data-plane/key-table/sticky-index.ts'
import { factsOf } from '../../src/data-plane/key-table/stored-facts.ts'
import { membership, setBase } from '../../src/data-plane/key-table/usable-set.ts'

/** Asserts that rings, sticky indexes, counters and hashes equal what the columns say, for groups 0 to `groups` - 1. */
export function checkKeyTable(writer: KeyTableWriter, groups: number): void {
  const columns = new SharedColumns(writer.handles)
  const members = Array.from({ length: groups }, () => [] as number[])
  for (let slot = 0; slot < columns.slots; slot += 1) {
    const place = columns.place[slot] as number
    if ((place & 3) === membership.vacant) continue
    members[place >>> 2]?.push(slot)
    assert.equal((columns.stamp[slot] as number) & 1, 0, 'no slot is left in mid-change')
    assert.equal(writer.slotOf(columns.keyId[slot] as number), slot, 'the id leads to the slot')
  }
  members.forEach((slots, groupNumber) => checkGroup(columns, groupNumber, slots))
  assert.equal(
    members.reduce((sum, slots) => sum + slots.length, 0),
    writer.stats().keys,
  )
}

function checkGroup(columns: SharedColumns, groupNumber: number, slots: readonly number[]): void {
  const base = groupNumber * headerWords
  const hash = createStateHash()
  const counts = keyStates.map(() => 0)
  for (const slot of slots) {
    addKeyToHash(hash, columns.keyId[slot] as number, factsOf(columns, slot))
    const state = columns.state[slot] as number
    counts[state] = (counts[state] ?? 0) + 1
  }
  const word = (index: number) => (columns.headers[base + index] ?? 0) >>> 0
  assert.equal(word(header.lockOwner), 0, 'no lock is held')
  assert.equal(word(header.keyCount), slots.length)
  assert.deepEqual(
    keyStates.map((_state, index) => word(header.stateCounts + index)),
    counts,
  )
  assert.equal(
    formatStateHash({ high: word(header.stateHashHigh), low: word(header.stateHashLow) }),
    formatStateHash(hash),
  )
  for (const member of [membership.active, membership.suspect]) {
    const expected = slots.filter((slot) => ((columns.place[slot] as number) & 3) === member)
    checkSet(columns, setBase(groupNumber, member), expected)
  }
}

function checkSet(columns: SharedColumns, set: number, expected: readonly number[]): void {
  const word = (index: number) => columns.headers[set + index] ?? 0
  const ring = [...columns.rings.subarray(word(setWord.ringOffset), word(setWord.ringOffset) + word(setWord.length))]
  assert.deepEqual(sorted(ring), sorted(expected), 'the ring holds each usable key once')
  ring.forEach((slot, position) => assert.equal(columns.ringPosition[slot], position))
  if (word(setWord.headsBits) === 0) return void assert.equal(expected.length, 0)
  assert.equal(word(setWord.version) & 1, 0)
  const chained: number[] = []
  for (let bucket = 0; bucket < 2 ** word(setWord.headsBits); bucket += 1) {
    let entry = columns.rings[word(setWord.headsOffset) + bucket] as number
    const bit = ((columns.rings[word(setWord.bitmapOffset) + (bucket >>> 5)] as number) >>> (bucket & 31)) & 1
    assert.equal(bit, entry === 0 ? 0 : 1, 'the bitmap names the buckets in use')
    for (; entry !== 0; entry = columns.next[entry - 1] as number) {
      const point = pointOf(columns.keyId[entry - 1] as number)
      assert.equal(point >>> (32 - word(setWord.headsBits)), bucket)
      chained.push(entry - 1)
    }
  }
  assert.deepEqual(sorted(chained), sorted(expected), 'the sticky index holds each usable key once')
}

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b)
}
