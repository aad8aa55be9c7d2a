import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import { createStatsReader } from '@gpt-load/database/logs/stats-reader'
import { useSqlServers } from '@gpt-load/testkit/servers/test-servers'
import { attempt, batchRecord, logEvent, nowMs, openMysql, openSqlite, openStore, place } from './log-fixtures.ts'

const dialects = [
  { name: 'SQLite', skip: false, open: openSqlite },
  ...(await useSqlServers()).map(({ name, skip, createDatabase }) => ({
    name,
    skip,
    open: async () => openMysql(await createDatabase()),
  })),
]
const hour = { spanS: 3_600, fromS: Math.floor(nowMs / 3_600_000) * 3_600 - 3_600 }
const day = { ...hour, toS: hour.fromS + 4 * 3_600 }

/** Four groups, of which one is served by members, three models, a failure in nine, and latencies from 1 ms to 3 s. */
const events = Array.from({ length: 600 }, (_, index) =>
  logEvent(index + 1, {
    receivedAtMs: nowMs + index * 9_000,
    groupId: 1 + (index % 4),
    memberGroupId: index % 4 === 0 ? 5 + ((index / 4) % 2) : 0,
    accessKeyId: 1 + (index % 2),
    modelRequested: `model-${index % 3}`,
    modelSent: `model-${index % 3}-2026-01-01`,
    ...(index % 9 === 0
      ? { status: index % 2 === 0 ? 429 : 502, errorClass: 'upstream' as const, errorCode: `code-${index % 2}` }
      : {}),
    ...(index % 50 === 0 ? { status: 499, endReason: 'client_abort' as const, errorCode: '' } : {}),
    durationMs: 1 + ((index * 131) % 3_000),
    firstByteMs: 1 + (index % 40),
    firstTokenMs: index % 2 === 0 ? 2 + (index % 60) : -1,
    attempts: index % 5 === 1 ? [attempt(1, { status: 429 }), attempt(2)] : [attempt(1)],
  }),
)

const failed = ({ status, endReason }: LogEvent) => status >= 400 || endReason !== 'complete'
const countOf = (test: (event: LogEvent) => boolean): number => events.filter(test).length

for (const { name, skip, open } of dialects) {
  describe(`statistics from rollups on ${name}`, { skip }, async () => {
    const sql = await open()
    const { store } = openStore(sql)
    await store.startOffset(place)
    for (let start = 0; start < events.length; start += 100)
      await store.handle(place, [batchRecord(start, events.slice(start, start + 100))])
    const reader = createStatsReader(sql)

    test('sums by any dimensions equal a recomputation from the events', async () => {
      const rows = await reader.sums({ ...day, by: ['member', 'model_sent', 'status_class'] })
      assert.ok(rows.length > 20)
      for (const row of rows) {
        const of = (event: LogEvent) =>
          (event.memberGroupId || event.groupId) === row.member &&
          event.modelSent === row.model_sent &&
          Math.floor(event.status / 100) === row.status_class
        assert.equal(row.sums.requests, countOf(of))
        assert.equal(
          row.sums.failures,
          countOf((event) => of(event) && failed(event)),
        )
        assert.equal(
          row.sums.rescued,
          countOf((event) => of(event) && !failed(event) && event.attempts.length > 1),
        )
        assert.equal(row.sums.tokens.input, 10 * countOf(of))
      }
      const [all] = await reader.sums({ ...day, by: [] })
      assert.equal(all?.sums.requests, events.length)
    })

    test('a range is the same from whole hours and days as bucket by bucket, wherever it begins and ends', async () => {
      const dayS = 86_400
      const startS = Math.floor(nowMs / 1_000 / dayS) * dayS
      const ranges: [spanS: number, fromS: number, toS: number][] = [
        [3_600, startS - 3_600, startS + dayS + 7_200],
        [3_600, startS, startS + dayS],
        [3_600, startS + 13 * 3_600, startS + 2 * dayS],
        [60, startS + 12 * 3_600 + 300, startS + 13 * 3_600 + 1_200],
        [60, startS - 600, startS + dayS + 600],
        [60, startS + 12 * 3_600 + 60, startS + 12 * 3_600 + 240],
      ]
      for (const [spanS, fromS, toS] of ranges) {
        const range = { spanS, fromS, toS }
        const buckets = await reader.sums({ ...range, by: ['bucket'] })
        const [whole] = await reader.sums({ ...range, by: [] })
        const sum = (name: 'requests' | 'failures' | 'retries' | 'rescued') =>
          buckets.reduce((total, { sums }) => total + sums[name], 0)
        for (const name of ['requests', 'failures', 'retries', 'rescued'] as const)
          assert.equal(whole?.sums[name], sum(name), `${name} of ${spanS} s from ${fromS - startS} to ${toS - startS}`)
        const counted = countOf(({ receivedAtMs }) => receivedAtMs >= fromS * 1_000 && receivedAtMs < toS * 1_000)
        assert.equal(whole?.sums.requests, counted)
        const errors = await reader.errors({ ...range, isByBucket: false })
        const byBucket = await reader.errors({ ...range, isByBucket: true })
        const total = (rows: typeof errors) => rows.reduce((all, { requests }) => all + requests, 0)
        assert.equal(total(errors), total(byBucket))
      }
    })

    test('a scope narrows sums: a group with what it served as a member, a model, an access key', async () => {
      const of = async (scope: object) => (await reader.sums({ ...day, ...scope, by: [] }))[0]?.sums.requests
      assert.equal(await of({ groupId: 2 }), 150)
      assert.equal(
        await of({ groupId: 5 }),
        countOf(({ memberGroupId }) => memberGroupId === 5),
      )
      assert.equal(
        await of({ accessKeyId: 1, model: 'model-2' }),
        countOf(({ accessKeyId, modelRequested }) => accessKeyId === 1 && modelRequested === 'model-2'),
      )
      assert.equal(await of({ upstream: 'nowhere' }), 0)
    })

    test('errors are told apart by status, class and code; what broke off by how it ended', async () => {
      const errors = await reader.errors({ ...day, isByBucket: false })
      assert.equal(
        errors.reduce((sum, { requests }) => sum + requests, 0),
        countOf(failed),
      )
      const aborted = errors.filter(({ error_code: code }) => code === 'client_abort')
      assert.equal(
        aborted.reduce((sum, { requests }) => sum + requests, 0),
        countOf(({ status }) => status === 499),
      )
      const buckets = new Set((await reader.errors({ ...day, isByBucket: true })).map(({ bucket }) => bucket))
      assert.deepEqual(buckets, new Set([hour.fromS + 3_600, hour.fromS + 7_200]))
    })

    test('percentiles of each scope are those of its events, within the width of a bin', async () => {
      const scopes = [
        { kind: 'all', value: '' },
        { kind: 'group', value: 5 },
        { kind: 'model', value: 'model-1' },
        { kind: 'access_key', value: 2 },
        { kind: 'upstream', value: 'nowhere' },
      ] as const
      const rows = await reader.latency({ ...day, scopes, isByBucket: false })
      assert.deepEqual(rows.map(({ scope }) => scope).toSorted(), [0, 1, 2, 3])
      const of = [
        () => true,
        ({ memberGroupId }: LogEvent) => memberGroupId === 5,
        ({ modelRequested }: LogEvent) => modelRequested === 'model-1',
        ({ accessKeyId }: LogEvent) => accessKeyId === 2,
      ]
      for (const row of rows) {
        const mine = events.filter(of[row.scope]!)
        close(
          row.duration!.p50,
          mine.map(({ durationMs }) => durationMs),
          0.5,
        )
        close(
          row.duration!.p95,
          mine.map(({ durationMs }) => durationMs),
          0.95,
        )
        close(
          row.duration!.p99,
          mine.map(({ durationMs }) => durationMs),
          0.99,
        )
        const tokens = mine.map(({ firstTokenMs }) => firstTokenMs).filter((ms) => ms >= 0)
        assert.equal(row.first_token?.requests ?? 0, tokens.length)
        if (tokens.length > 0) close(row.first_token!.p50, tokens, 0.5)
      }
    })

    test('keys are ranked by attempts or failures of a group', async () => {
      const ranked = await reader.keys({ fromS: day.fromS, toS: day.toS, order: 'requests', limit: 5 })
      assert.deepEqual(
        ranked.map(({ key_id: id, requests }) => [id, requests]),
        [
          [41, 600],
          [42, 120],
        ],
      )
      assert.deepEqual(await reader.keys({ ...day, groupId: 9, order: 'failures', limit: 5 }), [])
    })

    test('the last one out closes the database', () => sql.close())
  })
}

function close(actual: number, values: number[], share: number): void {
  const exact = values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1]!
  assert.ok(Math.abs(actual - exact) <= Math.max(0.6, exact * 0.05), `${actual} for ${exact} at ${share}`)
}
