import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createManualClock } from '@gpt-load/service-kit/manual-clock'
import { createKeyTable } from '../../src/data-plane/key-table/key-table-writer.ts'
import { keyRow, keyRows, stateRow } from '../support/key-rows.ts'

const none = new Int32Array(4)

function open() {
  return createKeyTable({ clock: createManualClock() })
}

function choices(writer: ReturnType<typeof open>, affinities: number): number[] {
  const { table } = writer
  return Array.from({ length: affinities }, (_v, affinity) => {
    const slot = table.pickSticky(1, affinity * 7_919, '', none, 0)
    return slot < 0 ? 0 : table.keyId(slot)
  })
}

suite('sticky pick', () => {
  test('is the same on two edges that met the same keys in another order and with another history', () => {
    const one = open()
    one.putKeys(1, keyRows(1, 500), 'merge')
    const other = open()
    other.putKeys(1, keyRows(1_000, 5_000), 'merge')
    other.putKeys(1, keyRows(1, 500).reverse(), 'merge')
    other.removeKeys(Array.from({ length: 5_000 }, (_v, index) => 1_000 + index))
    assert.deepEqual(choices(one, 2_000), choices(other, 2_000))
  })

  test('moves only what the lost key had, and gives it back when the key returns', () => {
    const writer = open()
    writer.putKeys(1, keyRows(1, 64), 'merge')
    const before = choices(writer, 4_000)
    writer.putStates([stateRow(17, { state: 'invalid', generation: 1 })], 'merge')
    const without = choices(writer, 4_000)
    before.forEach((id, index) => assert.ok(id === 17 ? without[index] !== 17 : without[index] === id))
    writer.putStates([stateRow(17, { generation: 2 })], 'merge')
    assert.deepEqual(choices(writer, 4_000), before)
  })

  test('spreads affinities over small and large pools', () => {
    for (const keys of [4, 64, 1_000]) {
      const writer = open()
      writer.putKeys(1, keyRows(1, keys), 'merge')
      const counts = new Map<number, number>()
      for (const id of choices(writer, keys * 200)) counts.set(id, (counts.get(id) ?? 0) + 1)
      assert.ok(Math.max(...counts.values()) < 200 * 1.6, `most loaded of ${keys}: ${Math.max(...counts.values())}`)
      assert.ok(counts.size > keys * 0.85)
    }
  })

  test('finds the only usable key of a large pool, and the one key behind the tried ones', () => {
    const writer = open()
    writer.putKeys(1, keyRows(1, 20_000), 'merge')
    const rows = Array.from({ length: 19_998 }, (_v, index) => stateRow(index + 1, { state: 'invalid', generation: 1 }))
    writer.putStates(rows, 'merge')
    const tried = new Int32Array([writer.slotOf(19_999)])
    for (let affinity = 0; affinity < 200; affinity += 1) {
      assert.equal(writer.table.keyId(writer.table.pickSticky(1, affinity, '', tried, 1)), 20_000)
    }
    writer.putStates([stateRow(20_000, { state: 'suspect', generation: 1 })], 'merge')
    assert.equal(writer.table.keyId(writer.table.pickSticky(1, 5, '', tried, 0)), 19_999)
    writer.putKeys(1, [keyRow(19_999, { state: 'invalid', generation: 1 })], 'merge')
    assert.equal(writer.table.keyId(writer.table.pickSticky(1, 5, '', tried, 0)), 20_000)
  })
})
