import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '@gpt-load/service-kit/manual-clock'
import { createGroupUsage } from '../../src/control-plane/group-usage.ts'
import { createKeyTable } from '../../src/data-plane/key-table/key-table-writer.ts'
import { keyRows, stateRow } from '../support/key-rows.ts'

const logger = { warn() {}, error() {}, info() {} } as never
const none = new Int32Array(0)
const rules = { order: 'round_robin', learnsQuotas: true, caps: null } as const

test('an edge tells what its groups burn in a minute, and what their usable keys have left, by windows', async () => {
  const clock = createManualClock()
  const writer = createKeyTable({ clock })
  const { table } = writer
  writer.openGroup(4)
  writer.putKeys(4, keyRows(1, 4), 'merge')
  const policies = { groupIds: [77], groupNumberOf: (id: number) => (id === 77 ? 4 : -1) }
  const usage = createGroupUsage({ table: writer, policies, clock, logger })
  usage.start()
  await clock.advance(0)
  assert.deepEqual(usage.list(), [])

  const learn = (id: number, requestsLeft: number, tokensLeft: number, inMs: number) =>
    table.learn(writer.slotOf(id), id, 'm', {
      requestsLeft,
      requestsResetMs: requestsLeft === -1 ? 0 : clock.nowMs() + inMs,
      tokensLeft,
      tokensResetMs: tokensLeft === -1 ? 0 : clock.nowMs() + inMs,
    })
  // A request each second, over two minutes.
  for (let second = 0; second < 120; second += 1) {
    const slot = table.pickBy(rules, 4, 'other', none, 0)
    const id = table.keyId(slot)
    table.spend(slot, id, 50)
    table.leave(slot, id)
    await clock.advance(1_000)
  }
  learn(1, 10, -1, 30_000)
  learn(2, 30, 900, 40_000)
  learn(3, 5, -1, 600_000)
  learn(4, 99, 99, 40_000)
  writer.putStates([stateRow(4, { state: 'invalid' })], 'merge')
  await clock.advance(6_000)
  const [group] = usage.list()
  assert.equal(group?.group_id, 77)
  assert.ok(Math.abs((group?.requests_per_minute ?? 0) - 55) <= 5, String(group?.requests_per_minute))
  assert.ok(Math.abs((group?.tokens_per_minute ?? 0) - (group?.requests_per_minute ?? 0) * 50) < 50)
  assert.deepEqual(group?.windows, [
    { kind: 'requests', span: 'minute', keys: 2, left: 40, most: 30, resets: [0, 1, 1, 0] },
    { kind: 'tokens', span: 'minute', keys: 1, left: 900, most: 900, resets: [0, 0, 1, 0] },
    { kind: 'requests', span: 'hour', keys: 1, left: 5, most: 5, resets: [1, 0, 0, 0] },
  ])
  // A key that is nearly spent says little of its limit: the most that there was stands for it, for two windows.
  learn(2, 2, -1, 30_000)
  await clock.advance(6_000)
  const most = () => usage.list()[0]?.windows.find(({ span, kind }) => span === 'minute' && kind === 'requests')?.most
  assert.equal(most(), 30)
  await clock.advance(125_000)
  learn(2, 2, -1, 30_000)
  await clock.advance(6_000)
  assert.equal(most(), 2)
  // What was known ends with its window, and silence is no burn.
  await clock.advance(700_000)
  assert.deepEqual(usage.list(), [])
  await usage.close()
})
