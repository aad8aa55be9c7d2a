import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createManualClock } from '@gpt-load/service-kit/manual-clock'
import { createKeyTable } from '../../src/data-plane/key-table/key-table-writer.ts'
import { slotRestMs } from '../../src/data-plane/key-table/slot-allocator.ts'
import { checkKeyTable } from '../support/check-key-table.ts'
import { keyRow, keyRows, secretOf, stateRow } from '../support/key-rows.ts'

const none = new Int32Array(16)

function open(keys: number, groupNumber = 1) {
  const clock = createManualClock()
  const writer = createKeyTable({ clock })
  writer.putKeys(groupNumber, keyRows(1, keys), 'merge')
  const { table } = writer
  const pickedId = (model = '', tried = none, triedCount = 0) => {
    const slot = table.pick(groupNumber, model, tried, triedCount)
    return slot < 0 ? 0 : table.keyId(slot)
  }
  return { clock, writer, table, pickedId }
}

suite('key table', () => {
  test('rotates over all keys, each once a round', () => {
    const { pickedId, writer } = open(1_000)
    const counts = new Map<number, number>()
    for (let pick = 0; pick < 100_000; pick += 1) {
      const id = pickedId()
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    assert.equal(counts.size, 1_000)
    for (const count of counts.values()) assert.ok(Math.abs(count - 100) <= 1)
    checkKeyTable(writer, 3)
  })

  test('never picks a tried key and answers -1 when all were tried', () => {
    const { table } = open(3)
    const tried = new Int32Array(3)
    for (let count = 0; count < 3; count += 1) tried[count] = table.pick(1, '', tried, count)
    assert.deepEqual(new Set([...tried].map((slot) => table.keyId(slot))), new Set([1, 2, 3]))
    assert.equal(table.pick(1, '', tried, 3), -1)
    assert.equal(table.pickSticky(1, 77, '', tried, 3), -1)
  })

  test('reads back secret and facts of every key after growth over several segments', () => {
    const { writer, table } = open(0)
    for (let from = 1; from <= 140_000; from += 500) writer.putKeys(1, keyRows(from, 500), 'merge')
    for (const id of [1, 65_536, 65_537, 140_000]) {
      const slot = writer.slotOf(id)
      assert.equal(table.secret(slot), secretOf(id))
      assert.deepEqual(table.facts(slot), { state: 'active', until: 0, generation: 0, failures: 0 })
    }
    assert.equal(table.count(1), 140_000)
    checkKeyTable(writer, 2)
  })

  test('keeps as many limits of single models as it may; past them a key stays usable, and the refusal is counted', async () => {
    const clock = createManualClock()
    const writer = createKeyTable({ clock, maxModelDeviations: 3 })
    writer.putKeys(1, keyRows(1, 5), 'merge')
    const { table } = writer
    const facts = { state: 'cooling' as const, until: clock.nowMs() + 60_000, generation: 0, failures: 1 }
    const limited = [1, 2, 3, 4].map((id) => table.applyModel(writer.slotOf(id), id, 'gpt-a', facts))
    assert.deepEqual(limited, [true, true, true, false])
    const { modelDeviations, modelDeviationsRefused } = writer.stats()
    assert.deepEqual([modelDeviations, modelDeviationsRefused], [3, 1])
    const picked = new Set([1, 2, 3, 4].map(() => table.keyId(table.pick(1, 'gpt-a', none, 0))))
    assert.deepEqual(picked, new Set([4, 5]))
    await clock.advance(60_001)
    writer.tick()
    assert.equal(table.applyModel(writer.slotOf(4), 4, 'gpt-a', { ...facts, until: clock.nowMs() + 60_000 }), true)
  })

  test('uses suspect keys only when no active one is left', () => {
    const { writer, pickedId } = open(3)
    writer.putStates([stateRow(1, { state: 'suspect' }), stateRow(2, { state: 'suspect' })], 'merge')
    for (let pick = 0; pick < 10; pick += 1) assert.equal(pickedId(), 3)
    writer.putStates([stateRow(3, { state: 'invalid' })], 'merge')
    assert.ok([1, 2].includes(pickedId()))
    checkKeyTable(writer, 2)
  })

  test('returns a cooling key within one tick of its deadline, corrected for the skew of the clock', async () => {
    const { clock, writer, table, pickedId } = open(1)
    writer.setClockSkewMs(60_000)
    writer.start()
    const until = clock.nowMs() - 60_000 + 1_000
    const slot = writer.slotOf(1)
    assert.equal(table.apply(slot, 1, { state: 'cooling', until, generation: 0, failures: 0 }), true)
    assert.equal(pickedId(), 0)
    assert.equal(table.earliestReturn(1, ''), clock.nowMs() + 1_000)
    await clock.advance(990)
    assert.equal(pickedId(), 0)
    await clock.advance(70)
    assert.equal(pickedId(), 1)
    assert.equal(table.earliestReturn(1, ''), 0)
    assert.equal(table.facts(slot).state, 'active')
    checkKeyTable(writer, 2)
    writer.close()
  })

  test('merges within a generation by severity and deadline, replaces by a newer one, ignores an older one', () => {
    const { writer, table } = open(1)
    const slot = writer.slotOf(1)
    const later = 4_102_444_800_000
    assert.equal(table.apply(slot, 1, { state: 'cooling', until: later, generation: 0, failures: 0 }), true)
    writer.putStates([stateRow(1, { state: 'cooling', until: later - 5 })], 'merge')
    assert.equal(table.facts(slot).until, later)
    writer.putStates([stateRow(1, { generation: 3 })], 'merge')
    assert.deepEqual(table.facts(slot), { state: 'active', until: 0, generation: 3, failures: 0 })
    assert.equal(table.apply(slot, 1, { state: 'invalid', until: 0, generation: 2, failures: 9 }), false)
    writer.putStates([stateRow(1, { state: 'invalid', generation: 2 })], 'merge')
    assert.equal(table.facts(slot).state, 'active')
    checkKeyTable(writer, 2)
  })

  test('takes the fleet-wide failure counter from the control plane, also when it goes down', () => {
    const { writer, table } = open(1)
    const slot = writer.slotOf(1)
    table.apply(slot, 1, { state: 'suspect', until: 0, generation: 0, failures: 4 })
    assert.equal(table.needsSuccessReport(slot), true)
    writer.putStates([stateRow(1, { state: 'suspect', failures: 1 })], 'merge')
    assert.equal(table.facts(slot).failures, 1)
    assert.equal(table.apply(slot, 1, { state: 'active', until: 0, generation: 0, failures: 0 }), true)
    assert.equal(table.needsSuccessReport(slot), false)
  })

  test('a key that is put again takes over whatever fact differs', () => {
    const { writer, table } = open(1)
    const until = 4_102_444_800_000
    for (const facts of [
      { state: 'cooling', until, generation: 1, failures: 0 },
      { state: 'cooling', until: until + 5, generation: 1, failures: 0 },
      { state: 'cooling', until: until + 5, generation: 1, failures: 3 },
      { state: 'cooling', until: until + 5, generation: 2, failures: 3 },
      { state: 'active', until: 0, generation: 3, failures: 0 },
    ] as const) {
      writer.putKeys(1, [keyRow(1, facts)], 'merge')
      assert.deepEqual(table.facts(writer.slotOf(1)), facts)
      checkKeyTable(writer, 2)
    }
  })

  test('a success does not lift a limit that is in force', () => {
    const { clock, writer, table } = open(1)
    const slot = writer.slotOf(1)
    table.apply(slot, 1, { state: 'cooling', until: clock.nowMs() + 5_000, generation: 0, failures: 0 })
    table.apply(slot, 1, { state: 'active', until: 0, generation: 0, failures: 0 })
    assert.equal(table.facts(slot).state, 'cooling')
    assert.equal(table.pick(1, '', none, 0), -1)
  })

  test('another epoch replaces facts whatever their generation, and removes what its base does not name', () => {
    const { writer, table } = open(10)
    writer.putStates([stateRow(1, { state: 'invalid', generation: 50 })], 'merge')
    writer.beginSweep()
    writer.putKeys(1, [keyRow(1, { generation: 2 }), keyRow(2)], 'replace')
    assert.equal(table.count(1), 10, 'nothing is emptied on the way')
    assert.equal(writer.endSweep(), 8)
    assert.deepEqual(table.facts(writer.slotOf(1)), { state: 'active', until: 0, generation: 2, failures: 0 })
    assert.equal(table.count(1), 2)
    checkKeyTable(writer, 2)
  })

  test('refuses to act on a slot that belongs to another key now', async () => {
    const { clock, writer, table } = open(2)
    const slot = writer.slotOf(1)
    writer.removeKeys([1])
    assert.equal(table.secret(slot), '')
    assert.equal(table.apply(slot, 1, { state: 'invalid', until: 0, generation: 0, failures: 1 }), false)
    await clock.advance(slotRestMs + 100)
    writer.putKeys(2, [keyRow(900)], 'merge')
    assert.equal(writer.slotOf(900), slot)
    assert.equal(table.apply(slot, 1, { state: 'invalid', until: 0, generation: 0, failures: 1 }), false)
    assert.equal(table.facts(slot).state, 'active')
    checkKeyTable(writer, 3)
  })

  test('lets a vacated slot rest before another key gets it', async () => {
    const { clock, writer } = open(2)
    const slot = writer.slotOf(1)
    writer.removeKeys([1])
    writer.putKeys(2, [keyRow(900)], 'merge')
    assert.notEqual(writer.slotOf(900), slot)
    await clock.advance(slotRestMs)
    writer.putKeys(2, [keyRow(901)], 'merge')
    assert.equal(writer.slotOf(901), slot)
  })

  test('moves a key that has changed its group', () => {
    const { writer, table } = open(2)
    writer.putKeys(2, [keyRow(1)], 'merge')
    assert.equal(table.count(1), 1)
    assert.equal(table.keyId(table.pick(2, '', none, 0)), 1)
    checkKeyTable(writer, 3)
  })

  test('a limit of one model leaves the key usable for others, until its deadline', async () => {
    const { clock, writer, table, pickedId } = open(2)
    const until = clock.nowMs() + 1_000
    const facts = { state: 'cooling', until, generation: 0, failures: 0 } as const
    assert.equal(table.applyModel(writer.slotOf(1), 1, 'gpt-a', facts), true)
    for (let pick = 0; pick < 5; pick += 1) assert.equal(pickedId('gpt-a'), 2)
    assert.deepEqual(new Set([pickedId('gpt-b'), pickedId('gpt-b')]), new Set([1, 2]))
    table.applyModel(writer.slotOf(2), 2, 'gpt-a', { ...facts, until: until + 500 })
    assert.equal(pickedId('gpt-a'), 0)
    assert.equal(table.earliestReturn(1, 'gpt-a'), until)
    await clock.advance(1_001)
    assert.equal(pickedId('gpt-a'), 1)
    writer.putModels([[2, 0, 0, 1, 0, 'gpt-a']], 'merge')
    assert.equal(writer.stats().modelDeviations, 1)
  })

  test('a restore lifts what was learnt about single models before it', async () => {
    const { clock, writer, table, pickedId } = open(1)
    const limited = { state: 'cooling', until: clock.nowMs() + 600_000, generation: 0, failures: 0 } as const
    table.applyModel(writer.slotOf(1), 1, 'gpt-a', limited)
    assert.equal(pickedId('gpt-a'), 0)
    writer.putStates([[1, 0, 0, 1, 0]], 'merge')
    assert.equal(pickedId('gpt-a'), 1)
    await clock.advance(61_000)
    writer.tick()
    assert.equal(writer.stats().modelDeviations, 0)
  })

  test('keeps memory bounded when keys come and go for ever', async () => {
    const { clock, writer } = open(0)
    let peak = 0
    for (let round = 0; round < 40; round += 1) {
      writer.putKeys(1, keyRows(round * 10_000 + 1, 10_000), 'merge')
      if (round >= 2) writer.removeKeys(Array.from({ length: 10_000 }, (_v, i) => (round - 2) * 10_000 + 1 + i))
      await clock.advance(slotRestMs + 100)
      const { secretBytes, slots, ringWords } = writer.stats()
      if (round === 6) peak = secretBytes + slots + ringWords
      if (round > 6) assert.ok(secretBytes + slots + ringWords <= peak * 1.15)
    }
    const { secretBytes, secretLiveBytes } = writer.stats()
    assert.ok(secretBytes <= secretLiveBytes * 1.1 + 3 * 65_536)
    for (const id of [380_001, 399_999]) assert.equal(writer.table.secret(writer.slotOf(id)), secretOf(id))
    checkKeyTable(writer, 2)
  })

  test('repairs the group whose lock died with its worker', () => {
    const { writer, table, pickedId } = open(50)
    const headers = new Int32Array(writer.handles.headers)
    const rings = new Int32Array(writer.handles.rings)
    headers[64] = 7
    rings.fill(0)
    writer.recoverFrom(7)
    checkKeyTable(writer, 2)
    assert.equal(table.usableCount(1), 50)
    assert.ok(pickedId() > 0)
  })
})
