import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Capacity } from '@gpt-load/contracts/api/capacity'
import type { EdgeReport } from '@gpt-load/contracts/edge-report'
import { edgeReport } from '../support/edge-report.ts'
import type { OpenedApi } from '../support/open-api.ts'

type Usage = EdgeReport['group_usage'][number]

export function describeCapacity(api: () => Promise<OpenedApi>): void {
  test('capacity joins what edges burn and have learnt with the keys that are usable, and those that return', async () => {
    const { operate, call, service, store } = await api()
    const upstreams = [{ url: 'https://api.example.com', weight: 1 }]
    const { body: group } = await operate('createGroup', { body: { name: 'finite', channel: 'openai', upstreams } })
    const { id } = group
    const keys = Array.from({ length: 10 }, (_, n) => `sk-finite-${n}-0123456789`)
    await operate('addKeys', { params: { id }, body: { keys } })
    const read = async (): Promise<Capacity> => (await operate('getCapacity', { params: { id } })).body

    const unknown = await read()
    assert.deepEqual(
      [unknown.usable_keys, unknown.known_keys, unknown.requests_per_minute, unknown.runs_dry_at],
      [10, 0, null, null],
    )

    const { epoch } = (await operate('getStatus')).body
    const usage = (requests: number, left: number): Usage => ({
      group_id: id,
      requests_per_minute: requests,
      tokens_per_minute: requests * 100,
      windows: [{ kind: 'requests', span: 'hour', keys: 10, left, most: 100, resets: [0, 0, 0, 10] }],
    })
    for (const [instance, requests, left] of [
      ['one', 12, 420],
      ['two', 8, 380],
    ] as const)
      await service.internalApi.report({ ...edgeReport(instance, epoch), group_usage: [usage(requests, left)] })
    const minutesFrom = (capacity: Capacity, name: 'runs_dry_at' | 'relief_at') =>
      Math.round((Date.parse(capacity[name] ?? '') - Date.now()) / 60_000)

    // 400 left at 20 a minute, and nothing before the hour is over: 40 minutes of 20 by keys of 100.
    const known = await read()
    assert.deepEqual([known.requests_per_minute, known.tokens_per_minute, known.known_keys], [20, 2_000, 10])
    assert.deepEqual([minutesFrom(known, 'runs_dry_at'), minutesFrom(known, 'relief_at')], [20, 60])
    assert.deepEqual([known.limited_by, known.keys_needed], ['requests', 8])

    // Five are out for half an hour: half of what is left, and they come back full.
    await store.sql.execute("UPDATE provider_keys SET state = 'cooling', until = ? WHERE group_id = ? AND id % 2 = 0", [
      Date.now() + 30 * 60_000,
      id,
    ])
    await store.sql.execute("UPDATE group_key_counts SET count = 5 WHERE group_id = ? AND state = 'active'", [id])
    const fewer = await read()
    assert.equal(fewer.usable_keys, 5)
    assert.deepEqual([minutesFrom(fewer, 'runs_dry_at'), minutesFrom(fewer, 'relief_at')], [10, 30])
    assert.equal(fewer.keys_needed, 4)
    const all = await operate('listCapacity')
    assert.equal(all.body.items.find((item: Capacity) => item.group_id === id).keys_needed, 4)

    const members = [{ group_id: id, weight: 1 }]
    const { body: aggregate } = await operate('createGroup', {
      body: { name: 'sum', kind: 'aggregate', channel: 'openai', members },
    })
    assert.equal((await call(`/api/v1/groups/${aggregate.id}/capacity`)).status, 409)
    assert.equal((await call('/api/v1/groups/999999/capacity')).status, 404)
    await store.sql.execute('DELETE FROM edges', [])
    for (const made of [aggregate.id, id]) await operate('deleteGroup', { params: { id: made } })
  })
}
