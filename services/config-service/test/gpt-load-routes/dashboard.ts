import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OpenedApi } from '../support/open-api.ts'
import { createGptLoadClient, groupInput, putKeyIntoState } from './gpt-load-client.ts'
import type { FakeLogs } from './logs.ts'

export function describeDashboard(api: () => Promise<OpenedApi>, logs: FakeLogs): void {
  const tokens = { input: 0, output: 0, cached: 0, reasoning: 0 }
  const sum = (spanS: number, ago: number, requests: number, failures: number) => ({
    spanS,
    bucketS: bucketOf(spanS, ago),
    requests,
    failures,
    retries: 0,
    rescued: 0,
    tokens,
  })
  const bucketOf = (spanS: number, ago: number) => (Math.floor(Date.now() / 1_000 / spanS) - ago) * spanS
  const put = (...sums: FakeLogs['sums']): void => {
    logs.seriesAsked.length = 0
    logs.sums.splice(0, logs.sums.length, ...sums)
  }

  describe('dashboard', () => {
    test('cards: keys by status, requests per minute and day with their trends, the error rate falls for the better', async () => {
      const opened = await api()
      const { data } = createGptLoadClient(opened)
      put()
      const before = await data('GET', '/api/dashboard/stats')
      assert.deepEqual(before.rpm, { value: 0, trend: 0, trend_is_growth: true })
      const { id } = await data('POST', '/api/groups', groupInput('dashboard'))
      await data('POST', '/api/keys/add-multiple', { group_id: id, keys_text: 'sk-dash-key-a sk-dash-key-b' })
      await putKeyIntoState(opened, { groupId: id, hintEnd: '-b', state: 'invalid' })
      put(sum(60, 3, 30, 0), sum(60, 15, 20, 0), sum(3_600, 2, 150, 15), sum(3_600, 30, 100, 20))
      const stats = await data('GET', '/api/dashboard/stats')
      assert.equal(stats.key_count.value - before.key_count.value, 1)
      assert.equal(stats.key_count.sub_value - (before.key_count.sub_value ?? 0), 1)
      assert.equal(stats.key_count.sub_value_tip, 'Invalid keys')
      assert.deepEqual(
        logs.seriesAsked.map(({ spanS, fromS, toS }) => [spanS, (toS - fromS) / spanS]),
        [
          [60, 20],
          [3_600, 48],
        ],
      )
      assert.deepEqual(stats.rpm, { value: 3, trend: 50, trend_is_growth: true })
      assert.deepEqual(stats.request_count, { value: 150, trend: 50, trend_is_growth: true })
      assert.deepEqual(stats.error_rate, { value: 10, trend: -10, trend_is_growth: true })
      assert.deepEqual(
        stats.security_warnings.map(({ type, severity, message }: Record<string, string>) => [type, severity, message]),
        [
          ['AUTH_KEY', 'high', 'AUTH_KEY holds a part that is guessed first'],
          ['EDGE_TOKEN', 'high', 'EDGE_TOKEN repeats few characters'],
        ],
      )
    })

    test('the chart has success and failure of 24 hours, of all groups or one', async () => {
      const { data } = createGptLoadClient(await api())
      const now = bucketOf(3_600, 0)
      put(sum(3_600, 0, 5, 2), sum(3_600, 23, 7, 0), sum(3_600, 24, 9, 9))
      const chart = await data('GET', '/api/dashboard/chart')
      assert.deepEqual([chart.labels.length, Date.parse(chart.labels[0])], [24, (now - 23 * 3_600) * 1_000])
      const [success, failure] = chart.datasets.map(({ data: values }: { data: number[] }) => values)
      assert.deepEqual([success[0], success[1], success[23]], [7, 0, 3])
      assert.deepEqual([failure[0], failure[1], failure[23]], [0, 0, 2])
      await data('GET', '/api/dashboard/chart?groupId=7')
      assert.deepEqual(
        logs.seriesAsked.map(({ groupId }) => groupId),
        [undefined, 7],
      )
      put()
    })

    test('the encryption status has no mismatch: with another ENCRYPTION_KEY nobody would answer', async () => {
      const { data } = createGptLoadClient(await api())
      const status = await data('GET', '/api/dashboard/encryption-status')
      assert.deepEqual(status, { has_mismatch: false, scenario_type: '', message: '', suggestion: '' })
    })
  })
}
