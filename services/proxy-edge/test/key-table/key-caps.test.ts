import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Headroom } from '@gpt-load/channels/rate-limit-headroom'
import { defaultSettings, type Settings } from '@gpt-load/contracts/settings'
import { createManualClock } from '@gpt-load/service-kit/manual-clock'
import { createKeyTable } from '../../src/data-plane/key-table/key-table-writer.ts'
import { compilePickRules } from '../../src/data-plane/key-table/pick-rules.ts'
import { slotRestMs } from '../../src/data-plane/key-table/slot-allocator.ts'
import { keyRows } from '../support/key-rows.ts'

const none = new Int32Array(0)
const minuteMs = 60_000

function open(keys: number, settings: Partial<Settings>) {
  const clock = createManualClock({ nowMs: 100 * minuteMs + 20_000 })
  const writer = createKeyTable({ clock })
  writer.putKeys(1, keyRows(1, keys), 'merge')
  const { table } = writer
  const rules = compilePickRules({ ...defaultSettings, ...settings })!
  /** Ends at once. 0 = none. */
  const pick = (model = '') => {
    const slot = table.pickBy(rules, 1, model, none, 0)
    if (slot === -1) return 0
    const keyId = table.keyId(slot)
    table.leave(slot, keyId)
    return keyId
  }
  const pickAll = () => {
    let count = 0
    while (count < 10_000 && pick() !== 0) count += 1
    return count
  }
  return { clock, writer, table, rules, pick, pickAll }
}

suite('caps of a key', () => {
  test('the minute slides: within any sixty seconds a key is never used more often than its cap', async () => {
    const { clock, pick } = open(1, { max_requests_per_minute_per_key: 60 })
    const usedAtMs: number[] = []
    for (let step = 0; step < 2_000; step += 1) {
      // Bursts and pauses.
      for (let burst = 0; burst < (step % 7 === 0 ? 5 : 1); burst += 1) if (pick() !== 0) usedAtMs.push(clock.nowMs())
      await clock.advance(step % 100 === 0 ? 15_000 : 150)
    }
    for (const [index, atMs] of usedAtMs.entries()) {
      const inMinute = usedAtMs.filter((otherMs) => otherMs >= atMs && otherMs < atMs + minuteMs).length
      // Of the former minute only the count is known: that it was spread evenly is an assumption.
      assert.ok(inMinute <= 60 * 1.5, `${inMinute} from use ${index} on`)
    }
    const perMinute = usedAtMs.length / ((usedAtMs.at(-1)! - usedAtMs[0]!) / minuteMs)
    assert.ok(perMinute > 45 && perMinute <= 63, `${perMinute} a minute`)
  })

  test('when there is room again is told, and holds', async () => {
    for (const before of [0, 20, 59]) {
      const { clock, table, pick, pickAll } = open(1, { max_requests_per_minute_per_key: 60 })
      for (let turn = 0; turn < before; turn += 1) pick()
      if (before > 0) await clock.advance(minuteMs)
      pickAll()
      const { roomAtMs } = table
      assert.ok(roomAtMs > clock.nowMs())
      await clock.advance(roomAtMs - clock.nowMs() - 50)
      assert.equal(pick(), 0)
      await clock.advance(51)
      assert.equal(pick(), 1)
    }
  })

  test('after two minutes without traffic nothing of it counts', async () => {
    const { clock, pickAll } = open(2, { max_requests_per_minute_per_key: 10 })
    assert.equal(pickAll(), 20)
    await clock.advance(2 * minuteMs)
    assert.equal(pickAll(), 20)
  })

  test('tokens of a request that has ended keep the key out until enough of them have slid out', async () => {
    const { clock, table, writer, pick } = open(1, { max_tokens_per_minute_per_key: 1_000 })
    assert.equal(pick(), 1)
    table.spend(writer.slotOf(1), 99, 2_000)
    assert.equal(pick(), 1, 'those of another key are not counted')
    table.spend(writer.slotOf(1), 1, 2_000)
    assert.equal(pick(), 0)
    await clock.advance(table.roomAtMs - clock.nowMs() + 1)
    assert.equal(pick(), 1)
  })

  test('with every order', () => {
    for (const key_rotation of ['round_robin', 'least_in_flight', 'weighted'] as const)
      for (const keys of [3, 100]) {
        const { pickAll } = open(keys, { key_rotation, max_requests_per_minute_per_key: 4 })
        assert.equal(pickAll(), keys * 4)
      }
  })

  test('a slot given to another key begins with nothing used and nothing known', async () => {
    const { clock, writer, table, pick, pickAll } = open(1, { max_requests_per_minute_per_key: 4 })
    assert.equal(pickAll(), 4)
    table.learn(writer.slotOf(1), 1, '', spent(clock.nowMs() + minuteMs))
    const slot = writer.slotOf(1)
    writer.removeKeys([1])
    await clock.advance(slotRestMs)
    writer.putKeys(1, keyRows(2, 2), 'merge')
    assert.equal(writer.slotOf(2), slot)
    assert.deepEqual([pick(), pick()].toSorted(), [2, 3])
    assert.equal(pickAll(), 6)
  })
})

const spent = (untilMs: number): Headroom => ({
  requestsLeft: 0,
  requestsResetMs: untilMs,
  tokensLeft: -1,
  tokensResetMs: 0,
})

suite('learnt quotas', () => {
  const left = (requests: number, untilMs: number): Headroom => ({ ...spent(untilMs), requestsLeft: requests })

  test('a spent key is passed over until its window ends; it serves when all are spent', async () => {
    const { clock, writer, table, pick } = open(3, {})
    const spend = (keyId: number) => table.learn(writer.slotOf(keyId), keyId, 'm', spent(clock.nowMs() + 10_000))
    spend(1)
    spend(2)
    for (let turn = 0; turn < 10; turn += 1) assert.equal(pick('m'), 3)
    spend(3)
    assert.deepEqual(new Set([pick('m'), pick('m'), pick('m')]), new Set([1, 2, 3]))
    await clock.advance(10_000)
    assert.deepEqual(new Set([pick('m'), pick('m'), pick('m')]), new Set([1, 2, 3]))
  })

  test('what was left is used up by picks, before any answer says so', () => {
    const { clock, writer, table, pick } = open(2, {})
    table.learn(writer.slotOf(1), 1, 'm', left(3, clock.nowMs() + minuteMs))
    const picked = Array.from({ length: 20 }, () => pick('m'))
    assert.equal(picked.filter((keyId) => keyId === 1).length, 3)
  })

  test('requests under way are taken as not yet counted by the answer', () => {
    const { clock, writer, table, rules, pick } = open(2, {})
    const slot = writer.slotOf(1)
    for (let turn = 0; turn < 3; turn += 1) table.enter(rules, slot, 'other')
    table.learn(slot, 1, 'm', left(3, clock.nowMs() + minuteMs))
    const picked = Array.from({ length: 20 }, () => pick('m'))
    assert.equal(picked.filter((keyId) => keyId === 1).length, 1)
  })

  test('an answer that is plentiful lifts it, one of another model does not, one of another key is not heard', () => {
    const { clock, writer, table, pick } = open(2, {})
    const slot = writer.slotOf(1)
    const plentiful = { ...left(-1, 0) }
    table.learn(slot, 1, 'm', spent(clock.nowMs() + minuteMs))
    table.learn(slot, 1, 'other', plentiful)
    table.learn(slot, 1, 'other', left(50, clock.nowMs() + minuteMs))
    table.learn(slot, 2, 'm', plentiful)
    assert.deepEqual([pick('m'), pick('m')], [2, 2])
    assert.deepEqual(new Set([pick('other'), pick('other')]), new Set([1, 2]))
    table.learn(slot, 1, 'm', plentiful)
    assert.deepEqual(new Set([pick('m'), pick('m')]), new Set([1, 2]))
  })

  test('a large pool that is spent altogether costs a bounded walk, and still answers', () => {
    const { clock, writer, table, pick } = open(3_000, {})
    for (let keyId = 1; keyId <= 3_000; keyId += 1)
      table.learn(writer.slotOf(keyId), keyId, 'm', spent(clock.nowMs() + minuteMs))
    for (let turn = 0; turn < 100; turn += 1) assert.notEqual(pick('m'), 0)
  })
})
