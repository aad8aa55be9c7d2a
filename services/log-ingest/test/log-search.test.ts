import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import type { LogFilters, LogPosition } from '@gpt-load/database/logs/log-search'
import { createRequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import type { SqlClient, SqlReader } from '@gpt-load/database/sql-client/sql-client'
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

/** More rows than the first slice has, several in one millisecond, some of them stored in another order than they came. */
const events = Array.from({ length: 9_000 }, (_, index) => {
  const isBad = index % 90 === 7
  return logEvent(index + 1, {
    receivedAtMs: nowMs - 3_600_000 + Math.floor(((index * 7_919) % 9_000) / 3) * 10,
    groupId: 1 + (index % 5),
    memberGroupId: index % 5 === 4 ? 9 : 0,
    accessKeyId: 1 + (index % 3),
    modelRequested: `m-${index % 11}`,
    modelSent: `m-${index % 11}-sent`,
    isStream: index % 2 === 0,
    clientAddress: `10.0.0.${index % 4}`,
    durationMs: (index * 13) % 5_000,
    firstTokenMs: index % 2 === 0 ? (index * 3) % 900 : -1,
    tokens: { input: index % 1_000, output: index % 7 === 0 ? -1 : 50, cached: -1, reasoning: -1 },
    attempts: [attempt(1, { keyId: 100 + (index % 50), upstream: `u${index % 2}` })],
    ...(isBad
      ? { status: 529, errorClass: 'upstream', errorCode: 'overloaded', errorMessage: `Try 100% later ${index}` }
      : {}),
    ...(index % 1_000 === 3 ? { endReason: 'client_abort' as const, status: 499 } : {}),
  } as Partial<LogEvent>)
})

const isFailed = ({ status, endReason }: LogEvent) => status >= 400 || endReason !== 'complete'
const tokensOf = ({ tokens }: LogEvent) => Math.max(0, tokens.input) + Math.max(0, tokens.output)
const searches: [filters: LogFilters, matches: (event: LogEvent) => boolean][] = [
  [{}, () => true],
  [{ groupId: 1 }, ({ groupId }) => groupId === 1],
  [{ groupId: 9 }, ({ memberGroupId }) => memberGroupId === 9],
  [{ accessKeyId: 2, isStream: true }, (event) => event.accessKeyId === 2 && event.isStream],
  [{ keyId: 117 }, ({ attempts }) => attempts[0]!.keyId === 117],
  [{ keyId: 117, groupId: 3 }, (event) => event.attempts[0]!.keyId === 117 && event.groupId === 3],
  [{ requestId: 'req-77' }, ({ sequence }) => sequence === 77],
  [{ isFailed: true }, isFailed],
  [{ isFailed: true, groupId: 9 }, (event) => isFailed(event) && event.memberGroupId === 9],
  [{ isFailed: false, model: 'm-3' }, (event) => !isFailed(event) && event.modelRequested === 'm-3'],
  [{ errorClass: 'upstream', accessKeyId: 1 }, (event) => event.errorClass === 'upstream' && event.accessKeyId === 1],
  [
    { errorCode: 'overloaded', error: 'TRY 100% LATER 1' },
    ({ errorMessage }) => errorMessage.startsWith('Try 100% later 1'),
  ],
  [{ model: 'm-4-sent' }, ({ modelSent }) => modelSent === 'm-4-sent'],
  [{ status: 529 }, ({ status }) => status === 529],
  [{ statusClass: 4 }, ({ status }) => status === 499],
  [
    { upstream: 'u1', clientAddress: '10.0.0.3' },
    (event) => event.attempts[0]!.upstream === 'u1' && event.clientAddress === '10.0.0.3',
  ],
  [{ minDurationMs: 4_900, maxDurationMs: 4_950 }, ({ durationMs }) => durationMs >= 4_900 && durationMs <= 4_950],
  [{ minFirstTokenMs: 800 }, ({ firstTokenMs }) => firstTokenMs >= 800],
  [{ maxFirstTokenMs: 20 }, ({ firstTokenMs }) => firstTokenMs >= 0 && firstTokenMs <= 20],
  [{ minTokens: 1_040 }, (event) => tokensOf(event) >= 1_040],
  [{ maxTokens: 5 }, (event) => tokensOf(event) <= 5],
  [{ model: 'nobody asks for this' }, () => false],
]

for (const { name, skip, open } of dialects) {
  describe(`log search on ${name}`, { skip }, async () => {
    const sql = await open()
    const { store } = openStore(sql)
    await store.startOffset(place)
    for (let start = 0; start < events.length; start += 1_000)
      await store.handle(place, [batchRecord(start, events.slice(start, start + 1_000))])
    const range = { fromMs: nowMs - 3_600_000 + 500, toMs: nowMs - 3_600_000 + 29_000 }
    const sequences = new Map(events.map(({ requestId, sequence }) => [requestId, sequence]))

    for (const [filters, matches] of searches)
      test(`pages of ${JSON.stringify(filters)} have every match once, in order, both ways`, async () => {
        const expected = events
          .filter((event) => event.receivedAtMs >= range.fromMs && event.receivedAtMs < range.toMs && matches(event))
          .toSorted((a, b) => b.receivedAtMs - a.receivedAtMs || b.sequence - a.sequence)
          .map(({ sequence }) => sequence)
        for (const order of ['newest', 'oldest'] as const) {
          const found = await pagesOf(sql, { ...range, ...filters, order, limit: 700 })
          const shown = found.map((id) => sequences.get(id))
          assert.deepEqual(shown, order === 'newest' ? expected : expected.toReversed())
        }
      })

    test('a call ends at its bounds, says how far it has looked, and the next one goes on there', async () => {
      // A clock that runs away: each slice is the last one of its call.
      const slow: SqlReader = {
        dialect: sql.dialect,
        read: async (statement, values) => {
          if (statement.includes('OFFSET')) await new Promise((resolve) => setTimeout(resolve, 210))
          return sql.read(statement, values)
        },
      }
      const query = { ...range, order: 'newest', limit: 100, model: 'nobody asks for this' } as const
      const first = await createRequestLogReader(slow).search(query)
      assert.deepEqual([first.items, first.first], [[], null])
      assert.ok(first.searchedUntilMs < range.toMs - 10_000 && first.searchedUntilMs > range.fromMs)
      const reader = createRequestLogReader(sql)
      let rest = first
      while (rest.next !== null) rest = await reader.search({ ...query, after: rest.next })
      assert.deepEqual([rest.next, rest.searchedUntilMs], [null, range.fromMs])
    })

    test('a call takes as many slices as fit into its time, and the next one goes on with slices of that size', async () => {
      const counted: number[] = []
      const slow: SqlReader = {
        dialect: sql.dialect,
        read: async (statement, values) => {
          const rows = /LIMIT 1 OFFSET (\d+)/.exec(statement)?.[1]
          if (rows !== undefined) {
            counted.push(Number(rows))
            await new Promise((resolve) => setTimeout(resolve, 40))
          }
          return sql.read(statement, values)
        },
      }
      const reader = createRequestLogReader(slow)
      const query = { ...range, order: 'newest', limit: 100, model: 'nobody asks for this' } as const
      const first = await reader.search(query)
      assert.ok(counted.length <= 2, `${counted.length} slices`)
      assert.ok(first.next?.sliceRows !== undefined && first.next.sliceRows < 4_000)
      counted.length = 0
      await reader.search({ ...query, after: first.next })
      assert.equal(counted[0], first.next.sliceRows)
    })

    if (name !== 'SQLite')
      for (const filters of [{}, { groupId: 1 }, { accessKeyId: 2 }, { keyId: 117 }])
        test(`a page of ${JSON.stringify(filters)} is read in the order of its index: nothing is sorted`, async () => {
          const plans: string[] = []
          const explaining: SqlReader = {
            dialect: sql.dialect,
            read: async (statement, values) => {
              const steps = await sql.read(`EXPLAIN FORMAT=TRADITIONAL ${statement}`, values)
              plans.push(steps.map((step) => `${step['key']}: ${step['Extra']}`).join('; '))
              return sql.read(statement, values)
            },
          }
          await createRequestLogReader(explaining).search({ ...range, ...filters, order: 'newest', limit: 50 })
          assert.match(plans.at(-1) ?? '', /Using (where|index condition)/)
          assert.doesNotMatch(plans.at(-1) ?? '', /filesort|temporary/)
        })

    test('the newest rows are told in the order of storing, with what was too many', async () => {
      const reader = createRequestLogReader(sql)
      const { lastId } = await reader.newest({ afterId: null, limit: 10 })
      assert.equal(lastId, 9_000)
      const some = await reader.newest({ afterId: lastId - 25, limit: 10 })
      assert.deepEqual([some.items.length, some.skipped, some.lastId], [10, 15, 9_000])
      assert.equal(some.items.at(-1)?.request_id, 'req-9000')
    })

    test('the last one out closes the database', () => sql.close())
  })
}

async function pagesOf(
  sql: SqlClient,
  query: Parameters<ReturnType<typeof createRequestLogReader>['search']>[0],
): Promise<string[]> {
  const reader = createRequestLogReader(sql)
  const found: string[] = []
  for (let after: LogPosition | undefined, isLast = false; !isLast;) {
    const page = await reader.search({ ...query, ...(after === undefined ? {} : { after }) })
    found.push(...page.items.map(({ request_id: id }) => id))
    isLast = page.next === null
    if (page.next !== null) after = page.next
  }
  return found
}
