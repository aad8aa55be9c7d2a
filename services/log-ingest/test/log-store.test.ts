import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import { createLogAccountReader, requestReplay } from '@gpt-load/database/logs/log-account-reader'
import { createRequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import type { StatsSums } from '@gpt-load/database/logs/stats-reader'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import { useSqlServers } from '@gpt-load/testkit/servers/test-servers'
import { SeekRequired } from '@gpt-load/transport/log-stream'
import { latencyOfBin } from '@gpt-load/database/logs/latency-bin'
import { everything, latencyScopeHash } from '@gpt-load/database/logs/latency-scope'
import { replayDeadLetters } from '../src/replay-dead-letters.ts'
import { applyRetention } from '../src/retention.ts'
import { readPartitions } from '../src/stored-days.ts'
import { storeStreamPositions } from '../src/stream-positions.ts'
import {
  applyMigration,
  attempt,
  batchRecord,
  count,
  logEvent,
  nowMs,
  openMysql,
  openSqlite,
  openStore,
  place,
} from './log-fixtures.ts'

for (const { name, skip, createDatabase } of await useSqlServers())
  describe(`log store on ${name}`, { skip }, () => {
    guarantees(async () => openMysql(await createDatabase()))

    test('makes the partition of the day before it inserts, and drops expired ones', async () => {
      await using sql = disposable(await openMysql(await createDatabase()))
      const dayMs = 86_400_000
      let now = nowMs
      const { store } = openStore(sql.client, { now: () => now })
      await store.startOffset(place)
      await store.handle(place, [batchRecord(0, [logEvent(1)])])
      now += 10 * dayMs
      await store.handle(place, [batchRecord(1, [logEvent(2)])])
      assert.equal(await count(sql.client, 'request_logs'), 2)
      await applyRetention({
        sql: sql.client,
        nowMs: now,
        retention: { rowDays: 7, contentDays: 3 },
        signal: new AbortController().signal,
      })
      assert.equal(await count(sql.client, 'request_logs'), 1)
      assert.ok(
        (await readPartitions(sql.client, 'request_logs')).every(
          ({ lessThan }) => lessThan === 1 || lessThan > nowMs / dayMs + 3,
        ),
      )
    })

    test('two stores that make the same day at once both go on', async () => {
      await using sql = disposable(await openMysql(await createDatabase()))
      const other = { topic: place.topic, partition: 1 }
      const [a, b] = [openStore(sql.client).store, openStore(sql.client).store]
      await a.startOffset(place)
      await b.startOffset(other)
      await Promise.all([
        a.handle(place, [batchRecord(0, [logEvent(1)])]),
        b.handle(other, [batchRecord(0, [logEvent(1, { requestId: 'b' })], { source: 'edge-2.0' })]),
      ])
      assert.equal(await count(sql.client, 'request_logs'), 2)
    })

    test('the same batch in two partitions at once is stored once', async () => {
      await using sql = disposable(await openMysql(await createDatabase()))
      const other = { topic: place.topic, partition: 1 }
      const [a, b] = [openStore(sql.client).store, openStore(sql.client).store]
      await a.startOffset(place)
      await b.startOffset(other)
      for (let round = 0; round < 20; round += 1) {
        const record = batchRecord(round, [logEvent(round + 1)])
        await Promise.all([a.handle(place, [record]), b.handle(other, [{ ...record, partition: 1 }])])
      }
      assert.equal(await count(sql.client, 'request_logs'), 20)
      assert.equal(await count(sql.client, 'log_batches'), 20)
    })
  })

describe('log store on SQLite', () => guarantees(openSqlite))

function guarantees(open: () => Promise<SqlClient>): void {
  test('stores a request with its attempts and reads it back whole', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    assert.equal(await store.startOffset(place), null)
    const failed = attempt(1, {
      status: 401,
      errorClass: 'key_auth',
      errorCode: 'invalid_api_key',
      errorMessage: 'wrong key',
    })
    await store.handle(place, [batchRecord(0, [logEvent(1, { attempts: [failed, attempt(2)] }), logEvent(2)])])
    const reader = createRequestLogReader(sql.client)
    const detail = await reader.find('req-1')
    assert.deepEqual(
      detail?.attempts.map(({ number, status, error_code }) => [number, status, error_code]),
      [
        [1, 401, 'invalid_api_key'],
        [2, 200, ''],
      ],
    )
    assert.equal(detail?.key_id, 42)
    assert.deepEqual(detail?.tokens, { input: 10, output: 5, cached: null, reasoning: null })
    const page = await reader.search({ fromMs: 0, toMs: nowMs + 1, order: 'newest', limit: 1 })
    assert.deepEqual(
      page.items.map(({ request_id }) => request_id),
      ['req-2'],
    )
    const rest = await reader.search({ fromMs: 0, toMs: nowMs + 1, order: 'newest', limit: 1, after: page.next! })
    assert.deepEqual([rest.items[0]?.request_id, rest.next], ['req-1', null])
  })

  test('totals are those of the buckets from a time on', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const hourMs = 3_600_000
    const at = (sequence: number, receivedAtMs: number, status: number) =>
      logEvent(sequence, { receivedAtMs, status, ...(status === 200 ? {} : { errorClass: 'upstream' as const }) })
    const events = [at(1, nowMs - 2 * hourMs, 200), at(2, nowMs, 200), at(3, nowMs, 502)]
    await store.handle(place, [batchRecord(0, events)])
    const reader = createRequestLogReader(sql.client)
    const minute = Math.floor(nowMs / 60_000) * 60
    assert.deepEqual(await reader.totals({ spanS: 60, fromS: minute }), { requests: 2, failures: 1 })
    assert.deepEqual(await reader.totals({ spanS: 60, fromS: minute + 60 }), { requests: 0, failures: 0 })
    const hour = Math.floor(nowMs / hourMs) * 3_600
    assert.deepEqual(await reader.totals({ spanS: 3_600, fromS: hour - 7_200 }), { requests: 3, failures: 1 })
  })

  test('a series has the sums of each bucket, of one group or access key when asked', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const hourMs = 3_600_000
    const failed = { status: 502, errorClass: 'upstream' as const }
    const retried = { attempts: [attempt(1, { status: 429 }), attempt(2, { status: 429 }), attempt(3)] }
    const unauthorised = { status: 401, errorClass: 'client' as const, attempts: [], accessKeyId: 0 }
    const events = [
      logEvent(1, { receivedAtMs: nowMs - hourMs }),
      logEvent(2, { receivedAtMs: nowMs, ...retried }),
      logEvent(3, { receivedAtMs: nowMs, groupId: 2, memberGroupId: 1, accessKeyId: 8, ...retried, ...failed }),
      logEvent(4, { receivedAtMs: nowMs, groupId: 3, ...unauthorised }),
      logEvent(5, { receivedAtMs: nowMs + hourMs }),
    ]
    await store.handle(place, [batchRecord(0, events)])
    const reader = createRequestLogReader(sql.client)
    const hour = Math.floor(nowMs / hourMs) * 3_600
    const range = { spanS: 3_600, fromS: hour - 3_600, toS: hour + 3_600 } as const
    const shown = async (more: object) =>
      (await reader.stats.sums({ ...range, ...more, by: ['bucket'] })).map(({ bucket, sums }) => [
        (Number(bucket) - hour) / 3_600,
        sums.requests,
        sums.failures,
        sums.retries,
        sums.rescued,
        ...Object.values(sums.tokens),
      ])
    assert.deepEqual(await shown({}), [
      [-1, 1, 0, 0, 0, 10, 5, 0, 0],
      [0, 3, 2, 4, 1, 30, 15, 0, 0],
    ])
    assert.deepEqual(await shown({ groupId: 1 }), [
      [-1, 1, 0, 0, 0, 10, 5, 0, 0],
      [0, 2, 1, 4, 1, 20, 10, 0, 0],
    ])
    assert.deepEqual(await shown({ accessKeyId: 8 }), [[0, 1, 1, 2, 0, 10, 5, 0, 0]])
    assert.deepEqual(await shown({ groupId: 3, accessKeyId: 8 }), [])
    assert.deepEqual(
      (await reader.stats.sums({ ...range, spanS: 86_400, fromS: hour - 43_200, by: [] })).map(
        ({ sums }) => sums.requests,
      ),
      [5],
    )
  })

  test('the log by attempts: retries beside the last one, newest first, by every filter, page and position', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const limited = { status: 429, errorClass: 'rate_limit' as const, errorMessage: 'Slow DOWN, 100% busy' }
    const at = { receivedAtMs: nowMs }
    const events = [
      logEvent(1, { receivedAtMs: nowMs - 5_000, modelRequested: '', modelSent: 'gpt-sent' }),
      logEvent(2, {
        ...at,
        groupId: 8,
        groupName: 'Agg_regate',
        memberGroupId: 1,
        memberGroupName: 'openai-main',
        clientAddress: '192.0.2.9',
        attempts: [attempt(1, { ...limited, groupId: 5 }), attempt(2, limited), attempt(3)],
      }),
      logEvent(3, { ...at, status: 502, errorClass: 'network', errorMessage: 'reset', attempts: [attempt(1)] }),
    ]
    await store.handle(place, [batchRecord(0, events)])
    const { attempts } = createRequestLogReader(sql.client)
    const range = { fromMs: 0, toMs: nowMs + 1 }
    const shown = async (more: object, page: object = {}) =>
      (await attempts.rows({ ...range, ...more }, { limit: 100, ...page })).map(
        ({ requestId, number, isFinal }) => `${requestId.slice(4)}.${number}${isFinal ? '' : ' retry'}`,
      )
    const all = ['3.1', '2.3', '2.2 retry', '2.1 retry', '1.1']
    assert.deepEqual(await shown({}), all)
    for (const [filter, expected] of [
      [{ isFinal: true }, ['3.1', '2.3', '1.1']],
      [{ isFinal: false }, ['2.2 retry', '2.1 retry']],
      [{ isFinal: false, isSuccess: true }, []],
      [{ isSuccess: true }, ['2.3', '1.1']],
      [{ isSuccess: false }, ['3.1', '2.2 retry', '2.1 retry']],
      [{ parentGroupName: 'agg_' }, ['2.3', '2.2 retry', '2.1 retry']],
      [{ parentGroupName: 'agg-' }, []],
      [{ groupName: 'OPENAI' }, ['3.1', '2.3', '2.2 retry', '1.1']],
      [{ model: 'sent' }, ['1.1']],
      [{ error: 'slow down, 100%' }, ['2.2 retry', '2.1 retry']],
      [{ error: 'RESET' }, ['3.1']],
      [{ keyIds: [42] }, ['2.2 retry']],
      [{ keyIds: [41, 43] }, ['3.1', '2.3', '2.1 retry', '1.1']],
      [{ keyIds: [] }, []],
      [{ status: 429 }, ['2.2 retry', '2.1 retry']],
      [{ clientAddress: '192.0.2.9' }, ['2.3', '2.2 retry', '2.1 retry']],
      [{ fromMs: nowMs }, all.slice(0, 4)],
      [{ toMs: nowMs }, ['1.1']],
    ] as const) {
      assert.deepEqual(await shown(filter), expected, JSON.stringify(filter))
      assert.equal(await attempts.count({ ...range, ...filter }, 100), expected.length, JSON.stringify(filter))
    }
    assert.deepEqual(await shown({}, { limit: 2, offset: 2 }), ['2.2 retry', '2.1 retry'])
    assert.equal(await attempts.count(range, 3), 3)
    const one = { limit: 1 }
    const walked: string[] = []
    for (let rows = await attempts.rows(range, one); rows[0] !== undefined && walked.length <= all.length;) {
      walked.push(`${rows[0].requestId.slice(4)}.${rows[0].number}${rows[0].isFinal ? '' : ' retry'}`)
      rows = await attempts.rows(range, { ...one, after: rows[0] })
    }
    assert.deepEqual(walked, all)
    const [failed] = await attempts.rows({ ...range, keyIds: [42] }, one)
    assert.partialDeepStrictEqual(failed, {
      groupId: 1,
      groupName: 'openai-main',
      parentGroupId: 8,
      parentGroupName: 'Agg_regate',
      keyHint: 'sk-a…Zx9',
      status: 429,
      errorClass: 'rate_limit',
      errorMessage: 'Slow DOWN, 100% busy',
      isSuccess: false,
      firstByteMs: 10,
      durationMs: 19,
      tokensInput: -1,
      model: 'gpt-4.1-nano',
    })
    const [elsewhere] = await attempts.rows({ ...range, keyIds: [41], isFinal: false }, one)
    assert.deepEqual([elsewhere?.groupId, elsewhere?.groupName], [5, ''])
  })

  test('a resent batch moves the offset and stores nothing twice', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const events = [logEvent(1), logEvent(2)]
    await store.handle(place, [batchRecord(0, events), batchRecord(1, events)])
    await store.handle(place, [batchRecord(2, events)])
    assert.equal(await count(sql.client, 'request_logs'), 2)
    assert.equal(await store.startOffset(place), '3')
    const [row] = await sql.client.read('SELECT requests FROM request_rollups WHERE span = 86400')
    assert.equal(Number(row?.['requests']), 2)
  })

  test('a zombie whose partition went to another instance stores nothing and is told to seek', async () => {
    await using sql = disposable(await open())
    const zombie = openStore(sql.client).store
    const heir = openStore(sql.client).store
    await zombie.startOffset(place)
    await heir.startOffset(place)
    await heir.handle(place, [batchRecord(0, [logEvent(1)])])
    await assert.rejects(
      zombie.handle(place, [batchRecord(0, [logEvent(2, { requestId: 'z' })], { firstSequence: 2 })]),
      SeekRequired,
    )
    assert.equal(await count(sql.client, 'request_logs'), 1)
    assert.equal(await zombie.startOffset(place), '1')
  })

  test('records before the stored offset are skipped', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    await store.handle(place, [batchRecord(0, [logEvent(1)]), batchRecord(1, [logEvent(2)])])
    await store.handle(place, [batchRecord(1, [logEvent(3)]), batchRecord(5, [logEvent(4)])])
    assert.equal(await count(sql.client, 'request_logs'), 3)
    assert.equal(await store.startOffset(place), '6')
  })

  test('an undecodable record is dead-lettered whole, an unstorable event alone, and the partition goes on', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const poison = { ...batchRecord(0, [logEvent(1)]), bytes: Buffer.from('not a batch') }
    const records = [poison, batchRecord(1, [logEvent(2), logEvent(3, { requestId: 'ü' }), logEvent(4)])]
    await store.handle(place, records)
    assert.equal(await count(sql.client, 'request_logs'), 2)
    const letters = await sql.client.read('SELECT * FROM log_dead_letters ORDER BY id')
    const shown = letters
      .toSorted((a, b) => Number(a['first_sequence']) - Number(b['first_sequence']))
      .map((row) =>
        ['kind', 'state', 'source', 'edge', 'first_sequence', 'event_count', 'record_offset'].map((name) => row[name]),
      )
    assert.deepEqual(shown, [
      ['record', 'waiting', 'edge-1.0', 'edge-1', 1, 1, 0],
      ['event', 'waiting', 'edge-1.0', 'edge-1', 3, 1, 1],
    ])
    const event = letters.find(({ kind }) => kind === 'event')
    assert.match(String(event?.['reason']), /request id/)
    const { bytes } = event as { bytes: Uint8Array }
    assert.ok(bytes.length < records[1]!.bytes.length, 'the event alone')
    assert.deepEqual(await readAccount(sql.client), [4, 2, 2])
    // Resent, also the unreadable one: nothing more.
    await store.handle(place, [
      { ...poison, offset: '2' },
      { ...records[1]!, offset: '3' },
    ])
    assert.deepEqual([await count(sql.client, 'log_dead_letters'), ...(await readAccount(sql.client))], [2, 4, 2, 2])
  })

  test('a letter that this release can read is stored when it is replayed, once; another is refused with its reason', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const good = batchRecord(0, [logEvent(1), logEvent(2)])
    const unreadable = { ...good, bytes: Buffer.from('not a batch') }
    await store.handle(place, [unreadable, batchRecord(1, [logEvent(3, { requestId: 'ü' }), logEvent(4)])])
    // As after an upgrade: what could not be read can be.
    await sql.client.execute("UPDATE log_dead_letters SET bytes = ? WHERE kind = 'record'", [good.bytes])
    await sql.client.execute("UPDATE log_dead_letters SET state = 'replay'")
    const time = { nowMs, storedOn: Math.floor(nowMs / 86_400_000), retentionMs: 0 }
    await Promise.all([replayDeadLetters(sql.client, time), replayDeadLetters(sql.client, time)])
    assert.equal(await count(sql.client, 'request_logs'), 3)
    assert.deepEqual(await readAccount(sql.client), [4, 3, 1])
    const letters = await sql.client.read('SELECT kind, state, reason FROM log_dead_letters ORDER BY kind')
    assert.deepEqual(
      letters.map(({ kind, state }) => [kind, state]),
      [
        ['event', 'refused'],
        ['record', 'replayed'],
      ],
    )
    // Its own resend finds the identity.
    await store.handle(place, [{ ...good, offset: '2' }])
    assert.equal(await count(sql.client, 'request_logs'), 3)
    const [rollup] = await sql.client.read('SELECT SUM(requests) AS n FROM request_rollups WHERE span = 86400')
    assert.equal(Number(rollup?.['n']), 3)
  })

  test('whatever an event holds, it is stored or dead-lettered, and never stops its partition', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    let offset = 0
    let sent = 0
    await fc.assert(
      fc.asyncProperty(fc.array(wildEvent, { minLength: 1, maxLength: 5 }), anyText, async (events, edge) => {
        const numbered = events.map((event, index) => ({ ...event, sequence: sent + index + 1 }))
        await store.handle(place, [batchRecord(offset++, numbered, { edge })])
        sent += events.length
        const stored = (await count(sql.client, 'request_logs')) + (await count(sql.client, 'log_dead_letters'))
        assert.equal(stored, sent)
      }),
      { numRuns: 60 },
    )
    for (const identity of [{ source: 'ü.0' }, { source: '' }])
      await store.handle(place, [batchRecord(offset++, [logEvent(1)], identity)])
    assert.equal(await count(sql.client, 'log_dead_letters', "reason = 'the identity is none'"), 2)
  })

  test('what was sampled out leaves no row, and counts in every rollup and in the account of its source', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const events = Array.from({ length: 50 }, (_, index) => logEvent(index + 1, { isSampledOut: index % 5 !== 0 }))
    await store.handle(place, [batchRecord(0, events)])
    await store.handle(place, [batchRecord(1, events)])
    assert.equal(await count(sql.client, 'request_logs'), 10)
    for (const span of [60, 3_600, 86_400]) {
      const [sums] = await sql.client.read(
        'SELECT SUM(requests) AS n, SUM(tokens_input) AS t FROM request_rollups WHERE span = ?',
        [span],
      )
      assert.deepEqual([Number(sums?.['n']), Number(sums?.['t'])], [50, 500], String(span))
    }
    const [keys] = await sql.client.read('SELECT SUM(requests) AS n FROM key_rollups')
    assert.equal(Number(keys?.['n']), 50)
    const [account] = await createLogAccountReader(sql.client, () => nowMs).sources(0)
    assert.partialDeepStrictEqual(account, { instance: 'edge-1', committed: 10, sampledOut: 40, lastSequence: 50 })
  })

  test('gaps between batches are named, and what went to the dead letters whole among them', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const poison = { ...batchRecord(1, [logEvent(7), logEvent(8)]), bytes: Buffer.from('not a batch') }
    await store.handle(place, [batchRecord(0, [logEvent(3), logEvent(4)]), poison, batchRecord(2, [logEvent(11)])])
    const reader = createLogAccountReader(sql.client, () => nowMs)
    const gaps = async (limit: number) =>
      (await reader.gaps('edge-1.0', limit)).map(({ from, to, isDeadLettered }) => [from, to, isDeadLettered])
    assert.deepEqual(await gaps(10), [
      [1, 2, false],
      [5, 6, false],
      [7, 8, true],
      [9, 10, false],
    ])
    assert.equal((await gaps(1)).length, 1)
    const [letter] = await reader.deadLetters({ limit: 5, state: 'waiting' })
    assert.partialDeepStrictEqual(letter, { kind: 'record', source: 'edge-1.0', firstSequence: 7, eventCount: 2 })
    assert.deepEqual(await reader.deadLetters({ limit: 5, beforeId: letter!.id }), [])
    assert.equal(await requestReplay(sql.client, [letter!.id + 1]), 0)
    assert.equal(await requestReplay(sql.client, null), 1)
  })

  test('the stream counts as stored to its end only when every partition is', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    const reader = createLogAccountReader(sql.client, () => nowMs)
    const see = (high: string, atMs: number) =>
      storeStreamPositions(sql.client, { highWatermarks: () => new Map([['request-logs/0', high]]) }, atMs)
    assert.equal(await reader.caughtUpAtMs(), null)
    await store.startOffset(place)
    await see('1', nowMs)
    assert.equal(await reader.caughtUpAtMs(), null)
    await store.handle(place, [batchRecord(0, [logEvent(1)])])
    assert.equal(await reader.caughtUpAtMs(), nowMs)
    await see('2', nowMs + 5)
    assert.equal(await reader.caughtUpAtMs(), null)
    // What nobody has looked at for an hour is of a topic that is gone.
    const later = createLogAccountReader(sql.client, () => nowMs + 3_700_000)
    assert.equal(await later.caughtUpAtMs(), null)
    const other = { topic: 'renamed', partition: 0 }
    await store.startOffset(other)
    await storeStreamPositions(sql.client, { highWatermarks: () => new Map([['renamed/0', '0']]) }, nowMs + 3_700_000)
    assert.equal(await later.caughtUpAtMs(), nowMs + 3_700_000)
  })

  test('clocks that are wrong are stored as given and flagged', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const times = [nowMs, nowMs + 2 * 3_600_000, nowMs - 8 * 86_400_000]
    await store.handle(place, [
      batchRecord(
        0,
        times.map((receivedAtMs, index) => logEvent(index + 1, { receivedAtMs })),
      ),
    ])
    const rows = await sql.client.read('SELECT clock_flag, received_at FROM request_logs ORDER BY id')
    assert.deepEqual(
      rows.map((row) => [Number(row['clock_flag']), Number(row['received_at'])]),
      [
        [0, times[0]],
        [1, times[1]],
        [2, times[2]],
      ],
    )
  })

  test('text past its column is cut at a character, never refused', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const long = '🔑'.repeat(4_000)
    const changes = {
      userAgent: long,
      requestPath: long,
      modelRequested: long,
      modelSent: long,
      errorMessage: long,
      status: 500,
      groupName: long,
      errorCode: long,
      clientAddress: long,
    }
    await store.handle(place, [
      batchRecord(0, [
        logEvent(1, {
          ...changes,
          attempts: [attempt(1, { upstream: long, keyHint: long }), attempt(2, { errorMessage: long })],
        }),
      ]),
    ])
    assert.equal(await count(sql.client, 'log_dead_letters'), 0)
    const [row] = await sql.client.read('SELECT user_agent FROM request_shapes')
    assert.match(String(row?.['user_agent']), /^(🔑)+$/u)
  })

  test('what requests have in common is stored once a day, by whichever store comes first', async () => {
    await using sql = disposable(await open())
    const other = { topic: place.topic, partition: 1 }
    let now = nowMs
    const [a, b] = [openStore(sql.client, { now: () => now }).store, openStore(sql.client, { now: () => now }).store]
    await a.startOffset(place)
    await b.startOffset(other)
    const events = Array.from({ length: 40 }, (_, index) => logEvent(index + 1, { userAgent: `agent-${index % 4}` }))
    const mine = batchRecord(0, events)
    const theirs = batchRecord(0, events, { source: 'edge-1.1' })
    await Promise.all([a.handle(place, [mine]), b.handle(other, [{ ...theirs, partition: 1 }])])
    assert.deepEqual([await count(sql.client, 'request_logs'), await count(sql.client, 'request_shapes')], [80, 4])
    const dayMs = 86_400_000
    now += 8 * dayMs
    await a.handle(place, [batchRecord(1, [logEvent(41, { userAgent: 'agent-3' })])])
    assert.equal(await count(sql.client, 'request_shapes'), 5)
    await applyRetention({
      sql: sql.client,
      nowMs: now,
      retention: { rowDays: 7, contentDays: 3 },
      signal: new AbortController().signal,
    })
    assert.deepEqual([await count(sql.client, 'request_logs'), await count(sql.client, 'request_shapes')], [1, 1])
    assert.equal((await createRequestLogReader(sql.client).find('req-41'))?.user_agent, 'agent-3')
  })

  test('a request whose shape was lost is shown with what is known', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    await store.handle(place, [batchRecord(0, [logEvent(1)])])
    await sql.client.execute('DELETE FROM request_shapes')
    const reader = createRequestLogReader(sql.client)
    const range = { fromMs: 0, toMs: nowMs + 1 }
    const shown = (await reader.search({ ...range, order: 'newest', limit: 10 })).items
    assert.partialDeepStrictEqual(shown, [{ request_id: 'req-1', model_sent: '', status: 200, tokens: { input: 10 } }])
    assert.equal((await reader.attempts.rows(range, { limit: 10 }))[0]?.requestId, 'req-1')
    assert.deepEqual((await reader.search({ ...range, order: 'newest', limit: 10, model: 'gpt-4.1-nano' })).items, [])
  })

  test('rollups equal a recomputation from the rows', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const events = Array.from({ length: 300 }, (_, index) =>
      logEvent(index + 1, {
        receivedAtMs: nowMs + index * 7_000,
        status: index % 7 === 0 ? 500 : 200,
        groupId: 1 + (index % 3),
        durationMs: (index * 37) % 5_000,
        attempts: index % 5 === 0 ? [attempt(1, { status: 429 }), attempt(2)] : [attempt(1)],
      }),
    )
    for (let start = 0; start < 300; start += 50)
      await store.handle(place, [batchRecord(start, events.slice(start, start + 50))])
    for (const [span, width] of [
      [60, 60_000],
      [3_600, 3_600_000],
      [86_400, 86_400_000],
    ] as const) {
      const sums = await sql.client.read(
        `SELECT group_id, bucket, SUM(requests) AS n, SUM(failures) AS f, SUM(rescued) AS r, SUM(tokens_input) AS t FROM request_rollups WHERE span = ${span} GROUP BY group_id, bucket ORDER BY group_id, bucket`,
      )
      const expected = recompute(events, span, width)
      assert.deepEqual(
        sums.map((row) => [row['group_id'], row['bucket'], row['n'], row['f'], row['r'], row['t']].map(Number)),
        expected,
      )
    }
    const durations = await readDurations(sql.client)
    assertMedian(
      durations.toSorted(([a], [b]) => a - b),
      events.map(({ durationMs }) => durationMs),
    )
  })

  test('sums by model equal the sums of requests, whichever requests had attempts', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const events = Array.from({ length: 120 }, (_, index) =>
      logEvent(index + 1, {
        receivedAtMs: nowMs + index * 7_000,
        status: index % 7 === 0 ? 500 : 200,
        groupId: 1 + (index % 3),
        modelRequested: `model-${index % 4}`,
        attempts: Array.from({ length: index % 5 }, (_, at) => attempt(at + 1)),
      }),
    )
    for (let start = 0; start < 120; start += 40)
      await store.handle(place, [batchRecord(start, events.slice(start, start + 40))])
    const { stats } = createRequestLogReader(sql.client)
    for (const spanS of [60, 3_600, 86_400]) {
      const range = { spanS, fromS: 0, toS: Math.ceil((nowMs + 86_400_000) / 86_400_000) * 86_400 }
      const of = ['bucket', 'channel', 'model', 'model_sent'] as const
      const expected = new Map<string, Record<string, number>>()
      for (const { status_class: _, sums, ...key } of await stats.sums({ ...range, by: [...of, 'status_class'] }))
        expected.set(JSON.stringify(key), added(expected.get(JSON.stringify(key)) ?? {}, sums))
      const found = (await stats.sums({ ...range, by: of })).map(
        ({ sums, ...key }) => [JSON.stringify(key), added({}, sums)] as const,
      )
      assert.deepEqual(new Map(found.toSorted()), new Map([...expected].toSorted()))
      assert.equal(
        found.reduce((sum, [, { retries }]) => sum + retries!, 0),
        events.reduce((sum, { attempts }) => sum + Math.max(0, attempts.length - 1), 0),
      )
    }
  })

  test('latencies of transactions that meet are all added up', async () => {
    await using sql = disposable(await open())
    const stores = await Promise.all(
      [0, 1, 2, 3].map(async (partition) => {
        const at = { topic: place.topic, partition }
        const { store } = openStore(sql.client)
        await store.startOffset(at)
        return { at, store }
      }),
    )
    const records = ({ partition }: { partition: number }) =>
      Array.from({ length: 5 }, (_, offset) => {
        const sequence = 1 + offset * 20
        const events = Array.from({ length: 20 }, (__, n) => logEvent(sequence + n, { durationMs: 10 * (n + 1) }))
        return { ...batchRecord(offset, events, { source: `edge.${partition}` }), partition }
      })
    // One transaction each, as different as four instances are.
    await Promise.all(
      stores.map(async ({ at, store }) => {
        for (const record of records(at)) await store.handle(at, [record])
      }),
    )
    const counted = (await readDurations(sql.client)).reduce((sum, [, count]) => sum + count, 0)
    assert.equal(counted, 4 * 5 * 20)
  })

  test('latencies that the version before has stored are taken over', async () => {
    await using sql = disposable(await open())
    const dims = latencyScopeHash(everything)
    for (const [metric, bin, requests] of [
      [1, 30, 90],
      [1, 60, 10],
      [2, 5, 7],
    ] as const)
      await sql.client.execute(
        'INSERT INTO latency_rollups (span, bucket, dims, metric, bin, requests) VALUES (60, 600, ?, ?, ?, ?)',
        [dims, metric, bin, requests],
      )
    await applyMigration(sql.client, '0005_latency_histograms.sql')
    const [row] = await createRequestLogReader(sql.client).stats.latency({
      spanS: 60,
      fromS: 600,
      toS: 660,
      scopes: [everything],
      isByBucket: true,
    })
    assert.deepEqual([row?.duration?.requests, row?.first_byte?.requests, row?.first_token], [100, 7, undefined])
  })

  test('every attempt counts for its key', async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    await store.handle(place, [
      batchRecord(0, [
        logEvent(1, { attempts: [attempt(1, { status: 429, errorClass: 'rate_limit' }), attempt(2)] }),
        logEvent(2),
      ]),
    ])
    const rows = await sql.client.read(
      'SELECT key_id, requests, failures, last_used_at FROM key_rollups ORDER BY key_id',
    )
    assert.deepEqual(
      rows.map((row) => [row['key_id'], row['requests'], row['failures'], row['last_used_at']].map(Number)),
      [
        [41, 2, 1, nowMs],
        [42, 1, 0, nowMs],
      ],
    )
  })

  test("a key's last use and sums are read by hour, whoever else was used", async () => {
    await using sql = disposable(await open())
    const { store } = openStore(sql.client)
    await store.startOffset(place)
    const hourMs = 3_600_000
    const used = (sequence: number, atMs: number, status = 200) =>
      logEvent(sequence, { receivedAtMs: atMs, attempts: [attempt(1, { status, startedAtMs: atMs })] })
    const events = [used(1, nowMs - 30 * hourMs), used(2, nowMs - hourMs, 429), used(3, nowMs - hourMs), used(4, nowMs)]
    await store.handle(place, [batchRecord(0, [...events, logEvent(5, { attempts: [attempt(2)] })])])
    const { keys } = createRequestLogReader(sql.client)
    const hour = Math.floor(nowMs / hourMs) * 3_600
    assert.deepEqual([...(await keys.lastUsed([41, 7]))], [[41, nowMs]])
    assert.deepEqual([...(await keys.totals([7, 41], hour - 3_600))], [[41, { requests: 3, failures: 1 }]])
    assert.deepEqual(await keys.hours(41, hour - 3_600), [
      { bucketS: hour - 3_600, requests: 2, failures: 1 },
      { bucketS: hour, requests: 1, failures: 0 },
    ])
    assert.deepEqual([await keys.lastUsed([]), await keys.totals([], 0)], [new Map(), new Map()])
  })

  test('retention deletes expired rows and minute rollups, and keeps the rest', async () => {
    await using sql = disposable(await open())
    const dayMs = 86_400_000
    let now = nowMs
    const { store } = openStore(sql.client, { now: () => now })
    await store.startOffset(place)
    await store.handle(place, [batchRecord(0, [logEvent(1)])])
    now = nowMs + 9 * dayMs
    await store.handle(place, [batchRecord(1, [logEvent(2, { receivedAtMs: now })])])
    await applyRetention({
      sql: sql.client,
      nowMs: now,
      retention: { rowDays: 7, contentDays: 3 },
      signal: new AbortController().signal,
    })
    assert.equal(await count(sql.client, 'request_logs'), 1)
    for (const table of ['request_rollups', 'model_rollups']) {
      assert.equal(await count(sql.client, table, 'span = 60'), 1)
      assert.equal(await count(sql.client, table, 'span = 86400'), 2)
    }
  })
}

function recompute(events: ReturnType<typeof logEvent>[], span: number, width: number): number[][] {
  const sums = new Map<string, number[]>()
  for (const event of events) {
    const bucket = Math.floor(event.receivedAtMs / width) * span
    const row = sums.get(`${event.groupId}:${bucket}`) ?? [event.groupId, bucket, 0, 0, 0, 0]
    row[2]! += 1
    row[3]! += event.status >= 400 ? 1 : 0
    row[4]! += event.status < 400 && event.attempts.length > 1 ? 1 : 0
    row[5]! += event.tokens.input
    sums.set(`${event.groupId}:${bucket}`, row)
  }
  return [...sums.values()].toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
}

function added(to: Record<string, number>, { tokens, ...sums }: StatsSums): Record<string, number> {
  const amounts = Object.entries({ ...sums, ...tokens })
  return Object.fromEntries(amounts.map(([name, amount]) => [name, (to[name] ?? 0) + amount]))
}

function assertMedian(bins: [bin: number, n: number][], values: number[]): void {
  const exact = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
  let seen = 0
  const median = bins.find(([, n]) => (seen += n) > values.length / 2)!
  assert.ok(
    Math.abs(latencyOfBin(median[0]) / exact - 1) < 0.1,
    `${latencyOfBin(median[0])} is not within a bin of ${exact}`,
  )
}

function disposable(client: SqlClient) {
  return { client, [Symbol.asyncDispose]: () => client.close() }
}

/** Bins of a day's durations, with how many requests each has. */
async function readDurations(sql: SqlClient): Promise<[number, number][]> {
  const [row] = await sql.read('SELECT counts FROM latency_histograms WHERE span = 86400 AND dims = ?', [
    latencyScopeHash(everything),
  ])
  const slots = Object.entries(JSON.parse(String(row?.['counts'])) as Record<string, number>)
  return slots.filter(([slot]) => Number(slot) >> 8 === 1).map(([slot, count]) => [Number(slot) & 255, count])
}

/** Committed with what was lettered: last sequence, committed, dead-lettered. */
async function readAccount(sql: SqlClient): Promise<number[]> {
  const [row] = await sql.read('SELECT * FROM log_sources')
  return ['last_sequence', 'committed', 'dead_lettered'].map((name) => Number(row?.[name]))
}

const anyNumber = fc.oneof(fc.nat(1_000), fc.nat(), fc.constantFrom(-1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER))
/** Of any code units, lone surrogates too. */
const utf16 = fc.array(fc.nat(0xffff), { maxLength: 40 }).map((units) => String.fromCharCode(...units))
const anyText = fc.oneof(utf16, fc.constantFrom('', '\ud800', '🔑'.repeat(3_000)))
const wildAttempt = fc
  .record({
    groupId: anyNumber,
    keyId: anyNumber,
    keyHint: anyText,
    upstream: anyText,
    startedAtMs: anyNumber,
    connectMs: anyNumber,
    headMs: anyNumber,
    endMs: anyNumber,
    status: anyNumber,
    errorCode: anyText,
    errorMessage: anyText,
  })
  .map((changes) => attempt(1, changes))
const wildEvent: fc.Arbitrary<LogEvent> = fc
  .record({
    requestId: fc.oneof(fc.uuid(), anyText),
    receivedAtMs: anyNumber,
    groupId: anyNumber,
    groupName: anyText,
    memberGroupId: anyNumber,
    method: anyText,
    requestPath: anyText,
    modelRequested: anyText,
    accessKeyId: anyNumber,
    clientAddress: anyText,
    userAgent: anyText,
    status: anyNumber,
    errorMessage: anyText,
    firstByteMs: anyNumber,
    durationMs: anyNumber,
    bytesIn: anyNumber,
    bytesOut: anyNumber,
    tokens: fc.record({ input: anyNumber, output: anyNumber, cached: anyNumber, reasoning: anyNumber }),
    attempts: fc.array(wildAttempt, { maxLength: 3 }),
  })
  .map((changes) => logEvent(1, changes))
