import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { slotOf } from '@gpt-load/database/logs/latency-histogram'
import { latencyScopeHash } from '@gpt-load/database/logs/latency-scope'
import type { OpenedApi } from '../support/open-api.ts'
import type { LogDatabase } from '../support/open-log-database.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const iso = (ms: number) => new Date(ms).toISOString()

export function describeReports(api: () => Promise<OpenedApi>, logs: Promise<LogDatabase>): void {
  // Days of their own, so that other tests' sums are no part of it.
  const from = Math.floor(Date.now() / dayMs - 20) * dayMs
  const range = `step=hour&from=${iso(from)}&to=${iso(from + dayMs)}`

  describe('reports', () => {
    test('a summary has sums, cost and latency of a period and of the one before', async () => {
      const { operate } = await api()
      const { addSums, insert } = await logs
      const million = { tokens_input: 2_000_000, tokens_cached: 1_000_000, tokens_output: 100_000 }
      await addSums(from + hourMs, { requests: 9, failures: 2, rescued: 1, attempts: 12, ...million })
      await addSums(from + 2 * hourMs, { model: 'own', model_sent: 'own-model', requests: 3, tokens_input: 50 })
      await addSums(from - 2 * hourMs, { requests: 4, failures: 1 })
      const dims = latencyScopeHash({ kind: 'group', value: 1 })
      const bucket = (from + hourMs) / 1_000
      const counts = JSON.stringify({ [slotOf(1, 30)]: 90, [slotOf(1, 60)]: 10 })
      await insert('latency_histograms', { span: 3_600, bucket, dims, counts })
      const { current, previous } = (await operate('getStatsSummary', { query: `${range}&group_id=1` })).body
      assert.deepEqual([current.requests, current.failures, current.rescued, current.retries], [12, 2, 1, 3])
      assert.deepEqual([previous.requests, previous.failures, previous.to], [4, 1, iso(from)])
      // 1 M fresh at 2.50, 1 M cached at 1.25, 0.1 M out at 10.
      assert.deepEqual(current.cost, { usd: 4.75, unpriced_requests: 3 })
      const { duration, first_token: firstToken } = current.latency
      assert.ok(duration.p50 > 12 && duration.p50 < 14 && duration.p95 > 160 && duration.requests === 100)
      assert.equal(firstToken, null)
      const narrow = (await operate('getStatsSummary', { query: `${range}&group_id=1&access_key_id=1` })).body.current
      assert.deepEqual([narrow.requests, narrow.latency], [12, null])
    })

    test('a breakdown ranks, compares, and puts the rest together', async () => {
      const { operate } = await api()
      const { addSums } = await logs
      for (const [model, requests] of [
        ['break-a', 5],
        ['break-b', 7],
        ['break-c', 1],
        ['break-d', 2],
      ] as const)
        await addSums(from + 30 * hourMs, { group_id: 77, model, requests, failures: 1 })
      await addSums(from + 10 * hourMs, { group_id: 77, model: 'break-a', requests: 3 })
      await addSums(from + 10 * hourMs, { group_id: 77, model: 'break-z', requests: 2 })
      const query = `step=hour&from=${iso(from + dayMs)}&to=${iso(from + 2 * dayMs)}&group_id=77&by=model&top=2&compare=true`
      const { items, other } = (await operate('getStatsBreakdown', { query })).body
      const shown = items.map((item: { value: string; requests: number; previous: { requests: number } }) => [
        item.value,
        item.requests,
        item.previous.requests,
      ])
      assert.deepEqual(shown, [
        ['break-b', 7, 0],
        ['break-a', 5, 3],
      ])
      assert.deepEqual([other.values, other.requests, other.previous.requests], [2, 3, 2])
      const all = (await operate('getStatsBreakdown', { query: `${range}&by=group` })).body
      assert.equal(all.other, null)
      assert.ok(all.items[0].latency.duration.p50 > 12, 'the group has latency of its own')
    })

    test('errors by class and code, over time too', async () => {
      const { operate } = await api()
      const { addErrors } = await logs
      await addErrors(from + hourMs, { requests: 5, error_code: 'overloaded' })
      await addErrors(from + hourMs, { requests: 2, error_class: 'rate_limit', status: 429 })
      await addErrors(from + 3 * hourMs, { requests: 4, error_code: 'overloaded', access_key_id: 9 })
      const body = (await operate('getStatsErrors', { query: `${range}&top=1` })).body
      assert.deepEqual([body.total, body.other, body.points.length], [11, 2, 24])
      assert.deepEqual(body.by_class, [
        { error_class: 'upstream', requests: 9 },
        { error_class: 'rate_limit', requests: 2 },
      ])
      assert.deepEqual(body.by_code, [{ error_class: 'upstream', status: 502, error_code: 'overloaded', requests: 9 }])
      assert.deepEqual(body.points[3].by_class, [{ error_class: 'upstream', requests: 4 }])
      assert.equal((await operate('getStatsErrors', { query: `${range}&access_key_id=9` })).body.total, 4)
    })

    test('latency over time has a point per step, and none where two dimensions are asked for', async () => {
      const { operate } = await api()
      const { points } = (await operate('getStatsLatency', { query: `${range}&group_id=1` })).body
      assert.equal(points.length, 24)
      assert.equal(points[1].duration.requests, 100)
      assert.equal(points[2].duration, null)
      assert.equal((await operate('getStatsLatency', { query: `${range}&group_id=1&model=x` })).body.points, null)
    })

    test('keys with most attempts or failures, by their hints', async () => {
      const { operate, call } = await api()
      const { insert } = await logs
      const { id } = (
        await operate('createGroup', {
          body: { name: 'ranked', channel: 'openai', upstreams: [{ url: 'https://a.example' }] },
        })
      ).body
      await operate('addKeys', { params: { id }, body: { keys: ['sk-ranked-key-aaaaaaaa'] } })
      const [key] = (await operate('listKeys', { params: { id } })).body.items
      const bucket = from / 1_000
      await insert('key_rollups', {
        bucket,
        key_id: key.id,
        group_id: id,
        requests: 5,
        failures: 0,
        last_used_at: from,
      })
      await insert('key_rollups', {
        bucket,
        key_id: 987_654,
        group_id: 1,
        requests: 3,
        failures: 3,
        last_used_at: from,
      })
      const ask = async (more: string) =>
        (await operate('getStatsKeys', { query: `from=${iso(from)}&to=${iso(from + dayMs)}${more}` })).body.items.map(
          ({ key_id: keyId, hint }: { key_id: number; hint: string }) => [keyId, hint],
        )
      assert.deepEqual(await ask(''), [
        [key.id, key.hint],
        [987_654, null],
      ])
      assert.deepEqual(await ask('&order=failures&top=1'), [[987_654, null]])
      assert.deepEqual(await ask(`&group_id=${id}`), [[key.id, key.hint]])
      const long = await call(`/api/v1/stats/keys?from=${iso(from - 9 * dayMs)}&to=${iso(from)}`)
      assert.equal(long.status, 400)
    })

    test('sums are taken away as CSV and as JSON lines; a formula in a name stays text', async () => {
      const { operate, call } = await api()
      const { addSums } = await logs
      await addSums(from + 50 * hourMs, { model: '=1+1,"x"', requests: 2 })
      const query = `step=hour&from=${iso(from + 48 * hourMs)}&to=${iso(from + 72 * hourMs)}&by=model`
      const { text } = await operate('exportStatsCsv', { query })
      const [head, line] = text.split('\r\n')
      assert.match(head!, /^at,model,name,requests,/)
      assert.equal(line, `${iso(from + 50 * hourMs)},"'=1+1,""x""",,2,0,0,0,10,20,0,0,0,0,0,0`)
      const json = (await operate('exportStats', { query })).text
      assert.deepEqual(
        json
          .trim()
          .split('\n')
          .map((each) => [JSON.parse(each).value, JSON.parse(each).requests]),
        [['=1+1,"x"', 2]],
      )
      assert.equal((await call('/api/v1/stats/export.csv?by=model&from=2020-01-01T00:00:00Z&step=hour')).status, 400)
    })

    test('an own price goes before the shipped ones and corrects what was spent; each holds from its day on', async () => {
      const { operate, call } = await api()
      const { addSums } = await logs
      const day = from - 3 * dayMs
      const tokens = {
        model: 'own',
        model_sent: 'Own-Model-2026-01-02',
        access_key_id: 55,
        requests: 1,
        tokens_input: 1_000_000,
      }
      await addSums(day + hourMs, tokens)
      await addSums(day + dayMs + hourMs, tokens)
      const query = `step=hour&from=${iso(day)}&to=${iso(day + 2 * dayMs)}&access_key_id=55`
      const cost = async () => (await operate('getStatsSummary', { query })).body.current.cost
      assert.deepEqual(await cost(), { usd: 0, unpriced_requests: 2 })
      const price = (more: object) =>
        operate('createPrice', { body: { provider: 'openai', model: 'own-model', input: 3, output: 9, ...more } })
      const first = (await price({ effective_from: '2024-01-01' })).body
      assert.deepEqual(await cost(), { usd: 6, unpriced_requests: 0 })
      const second = (await price({ effective_from: iso(day + dayMs).slice(0, 10), input: 1 })).body
      assert.deepEqual(await cost(), { usd: 4, unpriced_requests: 0 })
      const points = (await operate('getSeries', { query })).body.points
      assert.deepEqual(
        points
          .filter(({ cost_usd: usd }: { cost_usd: number }) => usd > 0)
          .map((point: { cost_usd: number }) => point.cost_usd),
        [3, 1],
      )
      const body = { provider: 'openai', model: 'own-model', input: 3, output: 9, effective_from: '2024-01-01' }
      assert.equal((await call('/api/v1/prices', { method: 'POST', body })).status, 409)
      const { items, shipped } = (await operate('listPrices')).body
      assert.deepEqual(
        items.filter(({ id }: { id: number | null }) => id !== null).map(({ id }: { id: number }) => id),
        [first.id, second.id],
      )
      assert.ok(items.length > 20 && shipped.sources.length === 3)
      for (const { id } of [first, second]) await operate('deletePrice', { params: { id } })
      assert.equal((await call(`/api/v1/prices/${first.id}`, { method: 'DELETE' })).status, 404)
      assert.deepEqual(await cost(), { usd: 0, unpriced_requests: 2 })
    })
  })
}
