import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OpenedApi } from '../support/open-api.ts'
import type { LogDatabase } from '../support/open-log-database.ts'

export function describeSeries(api: () => Promise<OpenedApi>, logs: Promise<LogDatabase>): void {
  const series = async (query: string) => (await (await api()).operate('getSeries', { query })).body
  const dayMs = 86_400_000
  const iso = (ms: number) => new Date(ms).toISOString()

  describe('requests over time', () => {
    test('a range has one point per step, UTC, zeros where nothing happened', async () => {
      const day = Math.floor(Date.now() / dayMs - 2) * dayMs
      const { addSums } = await logs
      const tokens = { tokens_input: 10, tokens_output: 5, tokens_cached: 2, tokens_reasoning: 1 }
      const row = { group_id: 40, access_key_id: 9, requests: 7, failures: 2, attempts: 10, rescued: 1, ...tokens }
      await addSums(day + 3_600_000, row)
      for (const other of [{ group_id: 41 }, { access_key_id: 8 }, { model: 'other' }, { upstream: 'other' }])
        await addSums(day + 3_600_000, { ...row, ...other })
      const offset = iso(day + 7_200_000 + 60_000).replace('Z', '%2B02:00')
      const scope = 'group_id=40&access_key_id=9&model=gpt-4o&upstream=api.openai.com'
      const body = await series(`step=hour&from=${offset}&to=${iso(day + 9_000_000)}&${scope}`)
      const none = { input: 0, output: 0, cached: 0, reasoning: 0 }
      const idle = { requests: 0, failures: 0, retries: 0, rescued: 0, tokens: none, cost_usd: 0 }
      const busy = {
        requests: 7,
        failures: 2,
        retries: 3,
        rescued: 1,
        tokens: { input: 10, output: 5, cached: 2, reasoning: 1 },
        // 8 at 2.50, 2 at 1.25, 5 at 10 dollars per million, to the millionth.
        cost_usd: 0.000073,
      }
      assert.deepEqual(body, {
        step: 'hour',
        from: iso(day),
        to: iso(day + 10_800_000),
        points: [
          { at: iso(day), ...idle },
          { at: iso(day + 3_600_000), ...busy },
          { at: iso(day + 7_200_000), ...idle },
        ],
      })
    })

    test('without a range: hours of the last day, the present one included; the future has no points', async () => {
      const nowMs = Date.now()
      const { step, from, to, points } = await series('')
      assert.deepEqual([step, points.length], ['hour', 25])
      assert.ok(Date.parse(from) <= nowMs - dayMs && Date.parse(to) > nowMs)
      const future = await series(`step=minute&from=${iso(nowMs - 120_000)}&to=${iso(nowMs + dayMs)}`)
      assert.ok(future.points.length <= 4, `${future.points.length} points`)
    })

    test('the longest ranges: 90 days by hours, two days by minutes; beyond what is kept a step is refused', async () => {
      const { call } = await api()
      const nowMs = Date.now()
      assert.equal((await series(`from=${iso(nowMs - 90 * dayMs)}&to=${iso(nowMs)}`)).points.length, 2_161)
      const minutes = (await series(`step=minute&from=${iso(nowMs - 2 * dayMs)}`)).points.length
      assert.ok(minutes >= 2_881 && minutes <= 2_882, `${minutes} points`)
      assert.equal((await series(`step=day&from=2020-01-01T00:00:00Z&to=2020-03-01T00:00:00Z`)).points.length, 60)
      for (const query of [
        `from=${iso(nowMs - 91 * dayMs)}`,
        `step=minute&from=${iso(nowMs - 3 * dayMs)}&to=${iso(nowMs - 2.9 * dayMs)}`,
        `step=hour&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z`,
        `from=${iso(nowMs)}&to=${iso(nowMs - dayMs)}`,
        `from=${iso(nowMs + dayMs)}`,
        'step=week',
        'from=yesterday',
        'group_id=0',
      ]) {
        const answer = await call(`/api/v1/stats/series?${query}`)
        assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'], query)
      }
    })
  })
}
