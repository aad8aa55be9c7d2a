import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyState } from '@gpt-load/contracts/key-state'
import { quoteName } from '@gpt-load/database/bulk-insert'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import { createProbeSchedules } from '../src/probe/probe-schedules.ts'
import { putIntoState } from './support/key-states.ts'
import { openApi, type OpenedApi } from './support/open-api.ts'
import { dialectsOf } from './support/open-stores.ts'
import { startRecordingProvider, type ReceivedRequest } from './support/recording-provider.ts'

const dialects = dialectsOf(useMariadb())
const scheduled = { environmentSettings: {} }

for (const [name, connect] of Object.entries(dialects))
  describe(`scheduled probes on ${name}`, () => {
    test('condemned keys come back by themselves, suspect ones are confirmed; others are left alone', async () => {
      await using opened = await openApi(await connect(), scheduled)
      await using provider = await startRecordingProvider()
      const keys = await pool(opened, provider.url, [
        'invalid',
        'suspect',
        'active',
        'disabled',
        'cooling',
        'exhausted',
      ])
      provider.answerWith({ status: 401, body: { error: { code: 'invalid_api_key', message: 'no' } } })
      await until(() => provider.received.length >= 2, { what: 'the first probes', timeoutMs: 15_000 })
      await until(async () => (await stateOf(opened, keys.suspect!)) === 'invalid', { what: 'the confirmation' })
      const { body } = await opened.operate('getKey', { params: { id: keys.suspect! } })
      assert.deepEqual([body.cause.class, body.cause.status, body.last_probe.ok], ['probe', 401, false])
      const waitMs = Date.parse(body.next_probe_at) - Date.parse(body.last_probe.at)
      assert.equal(waitMs, 60 * 60_000)

      provider.answerWith({ status: 200, body: {} })
      await opened.store.sql.execute('UPDATE provider_keys SET last_probe_at = last_probe_at - 3600000')
      for (const key of ['invalid', 'suspect'] as const)
        await until(async () => (await stateOf(opened, keys[key]!)) === 'active', {
          what: `the return of the ${key} key`,
          timeoutMs: 15_000,
        })
      assert.deepEqual(probedKeys(provider.received), { 'sk-probed-invalid-key': 2, 'sk-probed-suspect-key': 2 })
      const back = (await opened.operate('getKey', { params: { id: keys.invalid! } })).body
      assert.deepEqual([back.generation, back.cause.class, back.next_probe_at], [1, 'probe', null])
      assert.deepEqual(opened.service.probeCounts, { valid: 2, refused: 2, unproven: 0 })
    })

    test('schedules are read anew when a group or a system setting has changed, and only then', async () => {
      await using opened = await openApi(await connect())
      const settings = { key_validation_mode: 'chat', key_validation_interval_minutes: 5 }
      for (const group of ['one', 'two'])
        await opened.operate('createGroup', {
          body: { name: group, channel: 'openai', upstreams: [{ url: 'https://api.example.com' }], settings },
        })
      const { sql } = opened.store
      const asked: string[] = []
      const counting: SqlRunner = {
        ...sql,
        query: (text, values) => {
          if (text.includes('SELECT id, settings')) asked.push(String(values))
          return sql.query(text, values)
        },
      }
      const { keyring } = opened
      const schedules = createProbeSchedules({
        store: { ...opened.store, sql: counting },
        keyring,
        environmentSettings: {},
      })
      const minutes = async () => {
        const groups = await sql.query<{ id: number; revision: number }>(
          `SELECT id, revision FROM ${quoteName(sql, 'groups')} ORDER BY id`,
        )
        const found = await schedules.of(groups)
        return groups.map(({ id }) => (found.get(id)?.intervalMs ?? 0) / 60_000)
      }
      assert.deepEqual([await minutes(), await minutes(), asked], [[5, 5], [5, 5], ['1,2']])
      const body = { settings: { key_validation_interval_minutes: 7 } }
      await opened.operate('updateGroup', { params: { id: 2 }, body })
      assert.deepEqual(
        [await minutes(), asked],
        [
          [5, 7],
          ['1,2', '2'],
        ],
      )
      await opened.operate('updateSettings', { body: { key_validation_concurrency: 3 } })
      assert.deepEqual(
        [await minutes(), asked],
        [
          [5, 7],
          ['1,2', '2', '1,2'],
        ],
      )
      assert.deepEqual([(await schedules.of([])).size, asked.length], [0, 3])
    })

    test('the mode says what is asked, and whether; a disabled group costs nothing', async () => {
      await using opened = await openApi(await connect(), scheduled)
      await using lists = await startRecordingProvider()
      await using silent = await startRecordingProvider()
      const off = await pool(opened, silent.url, ['invalid'], { settings: { key_validation_mode: 'off' } })
      await pool(opened, silent.url, ['invalid'], { enabled: false })
      const listed = await pool(opened, lists.url, ['invalid'], { settings: { key_validation_mode: 'models' } })
      await until(async () => (await stateOf(opened, listed.invalid!)) === 'active', {
        what: 'the return of the listed key',
        timeoutMs: 15_000,
      })
      assert.deepEqual(
        lists.received.map(({ method, url }) => `${method} ${url}`),
        ['GET /v1/models'],
      )
      assert.deepEqual(silent.received, [])
      const { body } = await opened.operate('getKey', { params: { id: off.invalid! } })
      assert.deepEqual([body.state, body.next_probe_at], ['invalid', null])
    })

    test('no more at the same time and per minute than the group allows', async () => {
      await using opened = await openApi(await connect(), scheduled)
      await using provider = await startRecordingProvider({ delayMs: 300 })
      const settings = { key_validation_concurrency: 2, key_validation_rate_per_minute: 600 }
      await pool(
        opened,
        provider.url,
        Array.from({ length: 8 }, () => 'invalid' as const),
        { settings },
      )
      const first = await until(() => provider.receivedAtMs[0], { what: 'the first probe', timeoutMs: 15_000 })
      await until(() => provider.received.length === 8, { what: 'all probes', timeoutMs: 15_000 })
      // Two at a time of 300 ms each: the eighth begins after three rounds.
      assert.ok(provider.receivedAtMs[7]! - first >= 850, `${provider.receivedAtMs[7]! - first} ms`)
      assert.equal(provider.maxInFlight, 2)
    })

    test('the end of the process does not wait for a silent provider, and judges no key by it', async () => {
      const connection = await connect()
      await using provider = await startRecordingProvider({ delayMs: 60_000 })
      const opened = await openApi(connection, scheduled)
      const { invalid } = await pool(opened, provider.url, ['invalid'])
      await until(() => provider.received.length === 1, { what: 'the probe', timeoutMs: 15_000 })
      const startedAt = performance.now()
      await opened.service.close()
      assert.ok(performance.now() - startedAt < 10_000)
      const [row] = await opened.store.sql.query<{ state: string; last_probe_at: number }>(
        'SELECT state, last_probe_at FROM provider_keys WHERE id = ?',
        [invalid!],
      )
      assert.deepEqual([row?.state, row?.last_probe_at], ['invalid', 0])
      await opened[Symbol.asyncDispose]()
    })
  })

test('of two replicas one probes a group: each key once', async () => {
  const connection = await dialects['MariaDB']!()
  await using first = await openApi(connection, scheduled)
  await using second = await openApi(connection, scheduled)
  await using provider = await startRecordingProvider()
  provider.answerWith({ status: 401, body: { error: { code: 'invalid_api_key', message: 'no' } } })
  const settings = { key_validation_rate_per_minute: 1_200 }
  await pool(
    first,
    provider.url,
    Array.from({ length: 40 }, () => 'invalid' as const),
    { settings },
  )
  const sum = (): number => first.service.probeCounts.refused + second.service.probeCounts.refused
  await until(() => sum() >= 40, { what: 'all probes', timeoutMs: 20_000 })
  assert.deepEqual(
    Object.values(probedKeys(provider.received)),
    Array.from({ length: 40 }, () => 1),
  )
})

/** A group with one key per state; their ids by state, the last one's when a state repeats. */
async function pool(
  opened: OpenedApi,
  url: string,
  states: readonly KeyState[],
  more: object = {},
): Promise<Partial<Record<KeyState, number>>> {
  const name = `probed-${Math.random().toString(36).slice(2, 10)}`
  const body = { name, channel: 'openai', upstreams: [{ url }], ...more }
  const { id } = (await opened.operate('createGroup', { body })).body
  const isRepeated = new Set(states).size < states.length
  const keys = states.map((state, n) => `sk-probed-${state}-key${isRepeated ? `-${n}` : ''}`)
  await opened.operate('addKeys', { params: { id }, body: { keys } })
  const { items } = (await opened.operate('listKeys', { params: { id }, query: 'limit=200' })).body
  const ids: Partial<Record<KeyState, number>> = {}
  const inOrder = items.map((key: { id: number }) => key.id).toReversed()
  for (const [index, state] of states.entries()) {
    ids[state] = inOrder[index]
    if (state !== 'active') await putIntoState(opened, [inOrder[index]], state)
  }
  return ids
}

async function stateOf({ operate }: OpenedApi, id: number): Promise<string> {
  return (await operate('getKey', { params: { id } })).body.state
}

function probedKeys(received: readonly ReceivedRequest[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { headers } of received) {
    const key = (headers.authorization ?? '').replace('Bearer ', '')
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
