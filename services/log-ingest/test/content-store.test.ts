import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ContentRecord } from '@gpt-load/contracts/content-record'
import { createContentReader } from '@gpt-load/database/logs/content-reader'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import { createMetrics } from '@gpt-load/service-kit/metrics'
import { useSqlServers } from '@gpt-load/testkit/servers/test-servers'
import { encodeContent, sealContentBatch } from '@gpt-load/transport/log-batch/content-batch'
import { SeekRequired, type StreamRecord } from '@gpt-load/transport/log-stream'
import { createContentStore } from '../src/content-store.ts'
import { createIngestMeter } from '../src/ingest-meter.ts'
import { applyRetention } from '../src/retention.ts'
import { createStoredDays, dayMs } from '../src/stored-days.ts'
import { batchRecord, count, logEvent, nowMs, openMysql, openSqlite } from './log-fixtures.ts'

const place = { topic: 'request-content', partition: 0 }

function contentOf(requestId: string, changes: Partial<ContentRecord> = {}): ContentRecord {
  return {
    request_id: requestId,
    received_at: nowMs,
    group_id: 3,
    request: { content_type: 'application/json', text: '{"a":"é😀"}', is_cut: true, omitted: '' },
    response: { content_type: 'image/png', text: '', is_cut: false, omitted: 'binary' },
    ...changes,
  }
}

function recordOf(offset: number, lines: readonly string[]): StreamRecord {
  const identity = { source: 'i.content-1', edge: 'edge-1', firstSequence: offset + 1, count: lines.length }
  return { ...place, offset: String(offset), bytes: sealContentBatch(identity, lines), timestampMs: nowMs, identity }
}

const batch = (offset: number, ...contents: ContentRecord[]) => recordOf(offset, contents.map(encodeContent))

function open(sql: SqlClient, now: () => number = () => nowMs) {
  const metrics = createMetrics({ hasProcessMetrics: false })
  const store = createContentStore({ sql, days: createStoredDays(sql), meter: createIngestMeter(metrics), nowMs: now })
  const metric = async (name: string) =>
    Number(new RegExp(`^gptload_ingest_${name} (\\S+)$`, 'm').exec((await metrics.render()).body)?.[1])
  return { store, reader: createContentReader(sql), metric }
}

function guarantees(openClient: () => Promise<SqlClient>): void {
  async function openDisposable() {
    const sql = await openClient()
    return { sql, [Symbol.asyncDispose]: () => sql.close() }
  }

  test('stores bodies as they are, and finds them by the request', async () => {
    await using opened = await openDisposable()
    const { store, reader, metric } = open(opened.sql)
    await store.startOffset(place)
    const contents = [contentOf('r-1'), contentOf('r-2', { request: null })]
    await store.handle(place, [batch(0, ...contents)])
    for (const content of contents) assert.deepEqual(await reader.find(content.request_id), content)
    assert.equal(await reader.find('r-3'), null)
    assert.deepEqual([...(await reader.requestTexts(['r-1', 'r-2', 'r-3']))], [['r-1', '{"a":"é😀"}']])
    assert.equal(await metric('contents_total'), 2)
  })

  test('stores what comes again once, and nothing after another instance has moved on', async () => {
    await using opened = await openDisposable()
    const [first, second] = [open(opened.sql), open(opened.sql)]
    await first.store.startOffset(place)
    await second.store.startOffset(place)
    await first.store.handle(place, [batch(0, contentOf('r-1'))])
    await first.store.handle(place, [batch(1, contentOf('r-1'))])
    assert.equal(await count(opened.sql, 'request_contents'), 1)
    await assert.rejects(second.store.handle(place, [batch(0, contentOf('r-9'))]), SeekRequired)
    assert.equal(await count(opened.sql, 'request_contents'), 1)
    assert.equal(await second.store.startOffset(place), '2')
  })

  test('counts what it cannot read or store, goes on, and makes no dead letter of a body', async () => {
    await using opened = await openDisposable()
    const { store, metric } = open(opened.sql)
    await store.startOffset(place)
    const foreign = { ...batchRecord(0, [logEvent(1)]), ...place }
    const odd = recordOf(1, ['no json\n', encodeContent(contentOf('x'.repeat(37))), encodeContent(contentOf('r-1'))])
    await store.handle(place, [foreign, odd])
    assert.equal(await count(opened.sql, 'request_contents'), 1)
    assert.equal(await count(opened.sql, 'log_dead_letters'), 0)
    assert.equal(await metric('contents_dropped_total'), 3)
  })

  test('takes the largest bodies that there are', async () => {
    await using opened = await openDisposable()
    const { store, reader } = open(opened.sql)
    await store.startOffset(place)
    const text = '"\\é'.repeat(65_536)
    const large = { content_type: 'application/json', text, is_cut: true, omitted: '' } as const
    await store.handle(place, [
      batch(0, ...['r-1', 'r-2', 'r-3'].map((id) => contentOf(id, { request: large, response: large }))),
    ])
    assert.equal((await reader.find('r-3'))?.response?.text, text)
  })

  test('keeps bodies for as long as their own setting says', async () => {
    await using opened = await openDisposable()
    let now = nowMs
    const { store } = open(opened.sql, () => now)
    await store.startOffset(place)
    await store.handle(place, [batch(0, contentOf('old'))])
    now += 4 * dayMs
    await store.handle(place, [batch(1, contentOf('new'))])
    const clean = (contentDays: number) =>
      applyRetention({
        sql: opened.sql,
        nowMs: now,
        retention: { rowDays: 7, contentDays },
        signal: new AbortController().signal,
      })
    await clean(0)
    assert.equal(await count(opened.sql, 'request_contents'), 2)
    await clean(3)
    assert.equal(await count(opened.sql, 'request_contents'), 1)
    assert.equal(await count(opened.sql, 'request_contents', "request_id = 'new'"), 1)
  })
}

for (const { name, skip, createDatabase } of await useSqlServers())
  describe(`content store on ${name}`, { skip }, () => {
    guarantees(async () => openMysql(await createDatabase()))
  })

describe('content store on SQLite', () => guarantees(openSqlite))
