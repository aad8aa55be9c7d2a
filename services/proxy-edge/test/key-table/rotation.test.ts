import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import type { KeysRecord } from '@gpt-load/contracts/snapshot'
import { defaultSettings, type Settings } from '@gpt-load/contracts/settings'
import { createManualClock, type ManualClock } from '@gpt-load/service-kit/manual-clock'
import type { KeyTable } from '../../src/data-plane/key-table/key-table.ts'
import { createKeyTable, type KeyTableWriter } from '../../src/data-plane/key-table/key-table-writer.ts'
import { compilePickRules, type PickRules } from '../../src/data-plane/key-table/pick-rules.ts'
import { slotRestMs } from '../../src/data-plane/key-table/slot-allocator.ts'
import { keyRows, secretOf, stateRow } from '../support/key-rows.ts'

const none = new Int32Array(0)
const million = 1_000_000
const rulesOf = (settings: Partial<Settings>) => compilePickRules({ ...defaultSettings, ...settings })!
const weighted = rulesOf({ key_rotation: 'weighted' })
const leastInFlight = rulesOf({ key_rotation: 'least_in_flight' })

/** Keys 1, 2, 3 … with these weights. */
function open(weights: readonly number[]): { writer: KeyTableWriter; table: KeyTable; clock: ManualClock } {
  const clock = createManualClock()
  const writer = createKeyTable({ clock })
  const rows = weights.map((weight, index): KeysRecord['rows'][number] => {
    const keyId = index + 1
    return [keyId, 0, 0, 0, 0, weight, secretOf(keyId)]
  })
  for (let from = 0; from < rows.length; from += 500) writer.putKeys(1, rows.slice(from, from + 500), 'merge')
  return { writer, table: writer.table, clock }
}

const equal = (count: number) => Array.from({ length: count }, () => 1)

/** How often each key was picked, by key id; every pick is given back at once. */
function countPicks({ table }: KeyTableWriter, rules: PickRules | null, picks: number): Float64Array {
  const counts = new Float64Array(table.count(1) + 1)
  for (let turn = 0; turn < picks; turn += 1) {
    const slot = rules === null ? table.pick(1, '', none, 0) : table.pickBy(rules, 1, '', none, 0)
    const keyId = table.keyId(slot)
    counts[keyId]! += 1
    if (rules !== null) table.leave(slot, keyId)
  }
  return counts
}

function assertShares(counts: Float64Array, weights: readonly number[], picks: number): void {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  for (const [index, weight] of weights.entries()) {
    const wanted = (picks * weight) / sum
    const got = counts[index + 1]!
    // One pick is the least by which a count can differ.
    assert.ok(Math.abs(got - wanted) <= Math.max(1.5, wanted / 100), `key ${index + 1}: ${got} of ${wanted}`)
  }
}

suite('rotation', () => {
  for (const keys of [1, 7, 97, 4_096])
    test(`round robin over ${keys} keys is fair within 1 % over a million picks`, () => {
      assertShares(countPicks(open(equal(keys)).writer, null, million), equal(keys), million)
    })

  test('round robin stays fair while a part of the keys comes and goes', () => {
    const { writer } = open(equal(100))
    const counts = new Float64Array(101)
    for (let round = 0; round < 1_000; round += 1) {
      const out = Array.from({ length: 10 }, (_value, index) => ((round * 37 + index * 10) % 100) + 1)
      writer.putStates(
        out.map((keyId) => stateRow(keyId, { state: 'invalid', generation: round * 2 + 1 })),
        'merge',
      )
      const picked = countPicks(writer, null, 900)
      for (const [keyId, count] of picked.entries()) counts[keyId]! += count
      writer.putStates(
        out.map((keyId) => stateRow(keyId, { generation: round * 2 + 2 })),
        'merge',
      )
    }
    for (const count of counts.subarray(1)) assert.ok(Math.abs(count - 9_000) < 9_000 * 0.05, `${count} of 9000`)
  })

  for (const [name, weights] of [
    ['a few keys', [1, 2, 3, 10, 1_000]],
    ['equal weights', equal(50)],
    ['a pool', Array.from({ length: 1_000 }, (_value, index) => 1 + (index % 10))],
    ['one heavy key among light ones', [...equal(499), 100]],
  ] as const)
    test(`by weight, ${name}: each key gets its share within 1 % over a million picks`, () => {
      const { writer } = open(weights)
      // A large pool learns its greatest weight with the first round.
      countPicks(writer, weighted, weights.length)
      assertShares(countPicks(writer, weighted, million), weights, million)
    })

  test('by weight: shares hold among those that are left when the heaviest key is out, and when it is back', () => {
    for (const others of [5, 200]) {
      const weights = [1_000, ...Array.from({ length: others }, (_value, index) => 1 + (index % 3))]
      const { writer } = open(weights)
      countPicks(writer, weighted, 10_000)
      writer.putStates([stateRow(1, { state: 'invalid' })], 'merge')
      countPicks(writer, weighted, 10_000)
      assertShares(countPicks(writer, weighted, million), [0, ...weights.slice(1)], million)
      writer.putStates([stateRow(1, { generation: 1 })], 'merge')
      countPicks(writer, weighted, 10_000)
      assertShares(countPicks(writer, weighted, million), weights, million)
    }
  })

  test('least in flight: the idle key before any other, else the one with the fewest requests', () => {
    const { table } = open(equal(8))
    const load = new Map<number, number>()
    for (let turn = 0; turn < 24; turn += 1) {
      const keyId = table.keyId(table.pickBy(leastInFlight, 1, '', none, 0))
      load.set(keyId, (load.get(keyId) ?? 0) + 1)
      assert.ok(load.get(keyId)! <= Math.floor(turn / 8) + 1, 'no key has two more than another')
    }
    const { writer } = open(equal(5))
    for (const [keyId, requests] of [4, 2, 1, 2, 3].entries())
      for (let turn = 0; turn < requests; turn += 1) writer.table.enter(leastInFlight, writer.slotOf(keyId + 1), '')
    assert.equal(writer.table.keyId(writer.table.pickBy(leastInFlight, 1, '', none, 0)), 3)
  })

  test('least in flight: keys of equal load take turns, fair within 1 % over a million picks', () => {
    assertShares(countPicks(open(equal(97)).writer, leastInFlight, million), equal(97), million)
  })

  test('least in flight: in a large pool no busy key is chosen while most are idle', () => {
    const { table } = open(equal(5_000))
    const picked = new Set<number>()
    for (let turn = 0; turn < 4_000; turn += 1) picked.add(table.pickBy(leastInFlight, 1, '', none, 0))
    assert.equal(picked.size, 4_000)
  })

  test('a slot given to another key begins without load, and what the former one gives back is not counted', async () => {
    const { writer, clock } = open(equal(1))
    const { table } = writer
    const slot = table.pickBy(leastInFlight, 1, '', none, 0)
    assert.equal(table.inFlight(slot), 1)
    table.leave(slot, 99)
    assert.equal(table.inFlight(slot), 1)
    table.leave(slot, 1)
    table.leave(slot, 1)
    assert.equal(table.inFlight(slot), 0, 'never below zero')
    table.enter(leastInFlight, slot, '')
    writer.recoverFrom(7)
    assert.equal(table.inFlight(slot), 0, 'what a dead worker had open is forgotten')
    table.enter(leastInFlight, slot, '')
    writer.removeKeys([1])
    await clock.advance(slotRestMs)
    writer.putKeys(1, keyRows(2, 1), 'merge')
    assert.deepEqual([writer.slotOf(2), table.inFlight(slot)], [slot, 0])
  })

  for (const [name, rules] of [
    ['round robin', null],
    ['least in flight', leastInFlight],
    ['by weight', weighted],
  ] as const) {
    test(`${name}: never a tried key, and none when all were tried`, () => {
      for (const keys of [5, 200]) {
        const { table } = open(Array.from({ length: keys }, (_value, index) => 1 + (index % 4)))
        const tried = new Int32Array(keys)
        const pick = (count: number) =>
          rules === null ? table.pick(1, '', tried, count) : table.pickBy(rules, 1, '', tried, count)
        for (let count = 0; count < keys; count += 1) {
          tried[count] = pick(count)
          assert.ok(tried[count]! >= 0 && !tried.subarray(0, count).includes(tried[count]!))
        }
        assert.equal(pick(keys), -1)
      }
    })

    test(`${name}: a pick allocates nothing`, () => {
      const { writer } = open(Array.from({ length: 200 }, (_value, index) => 1 + (index % 4)))
      // V8 compiles in another thread, which on a busy machine takes its time.
      countPicks(writer, rules, million)
      const before = getHeapStatistics().total_allocated_bytes
      countPicks(writer, rules, million)
      const perPick = (getHeapStatistics().total_allocated_bytes - before) / million
      assert.ok(perPick < 1, `${perPick} bytes`)
    })
  }
})
