import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createManualClock } from '@gpt-load/service-kit/manual-clock'
import { hashText } from '../../src/data-plane/key-table/hash-text.ts'
import { createKeyTable } from '../../src/data-plane/key-table/key-table-writer.ts'
import { goneSlot, maxResourceKeys } from '../../src/data-plane/key-table/resource-keys.ts'
import { SharedColumns } from '../../src/data-plane/key-table/shared-columns.ts'
import { slotRestMs } from '../../src/data-plane/key-table/slot-allocator.ts'
import { keyRows } from '../support/key-rows.ts'

const hourMs = 3_600_000

function open(keys = 10) {
  const clock = createManualClock({ nowMs: 1_700_000_000_000 })
  const writer = createKeyTable({ clock })
  writer.putKeys(1, keyRows(1, keys), 'merge')
  const { table } = writer
  const learn = (id: string, keyId: number, endMs = clock.nowMs() + hourMs) =>
    table.learnResource(hashText(id), writer.slotOf(keyId), keyId, endMs)
  const find = (id: string) => {
    const slot = table.findResource(hashText(id))
    return slot < 0 ? slot : table.keyId(slot)
  }
  return { clock, writer, table, learn, find }
}

suite('resource map', () => {
  test('finds what was learnt, says what is news, and forgets when it has expired', async () => {
    const { clock, learn, find } = open()
    assert.deepEqual([learn('1:file-1', 3), learn('1:file-1', 3), learn('2:file-1', 4)], [true, false, true])
    assert.deepEqual([find('1:file-1'), find('2:file-1'), find('3:file-1')], [3, 4, -1])
    await clock.advance(hourMs + 60_000)
    assert.equal(find('1:file-1'), -1)
    assert.equal(learn('1:file-1', 3), true)
  })

  test('a key that is gone is told from one that was never known, also when its slot has another key', async () => {
    const { clock, writer, learn, find } = open()
    learn('r', 3)
    const slot = writer.slotOf(3)
    writer.removeKeys([3])
    assert.equal(find('r'), goneSlot)
    await clock.advance(slotRestMs)
    writer.putKeys(1, keyRows(50, 1), 'merge')
    assert.equal(writer.slotOf(50), slot)
    assert.equal(find('r'), goneSlot)
  })

  test('keys that this edge does not have are passed over', () => {
    const { writer, clock, find } = open()
    writer.putResource(hashText('r'), 99, clock.nowMs() + hourMs)
    assert.equal(find('r'), -1)
    writer.putResource(hashText('r'), 5, clock.nowMs() + hourMs)
    assert.equal(find('r'), 5)
  })

  test('is counted when it was last counted some seconds ago, and anew when it was emptied', async () => {
    const { clock, writer, learn } = open()
    const count = () => writer.stats().resources
    learn('a', 3)
    assert.equal(count(), 1)
    learn('b', 4)
    assert.equal(count(), 1)
    await clock.advance(10_000)
    assert.equal(count(), 2)
    writer.forgetResources()
    assert.equal(count(), 0)
  })

  test('is bounded: what ends first makes room, and it is counted', () => {
    const { clock, writer, learn, find } = open()
    const count = maxResourceKeys * 1.5
    for (let number = 0; number < count; number += 1)
      learn(`1:resp_${number}`, (number % 10) + 1, clock.nowMs() + hourMs + number * 60_000)
    const { resources, resourcesLost } = writer.stats()
    assert.ok(resources <= maxResourceKeys && resources > maxResourceKeys * 0.97, `${resources} held`)
    assert.equal(resources + resourcesLost, count)
    let newest = 0
    for (let number = count - 1_000; number < count; number += 1)
      newest += find(`1:resp_${number}`) === (number % 10) + 1 ? 1 : 0
    assert.equal(newest, 1_000)
  })

  test('a bucket that a dead worker left in mid-change answers nothing, and is freed', () => {
    const { writer, learn, find } = open()
    for (let number = 0; number < 100; number += 1) learn(`r${number}`, 1)
    const { resources } = new SharedColumns(writer.handles).handles
    const versions = new Int32Array(resources, maxResourceKeys * 24)
    for (let bucket = 0; bucket < versions.length; bucket += 1) Atomics.add(versions, bucket, 1)
    assert.deepEqual([find('r1'), learn('r1', 2)], [-1, false])
    writer.recoverFrom(7)
    assert.deepEqual([find('r1'), learn('r1', 2), find('r1')], [1, true, 2])
  })
})
