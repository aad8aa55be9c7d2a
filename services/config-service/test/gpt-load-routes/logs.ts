import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AttemptLogQuery, AttemptLogReader, AttemptLogRow } from '@gpt-load/database/logs/attempt-log-reader'
import type { ContentReader } from '@gpt-load/database/logs/content-reader'
import type { RequestSeriesQuery, RequestSums } from '@gpt-load/database/logs/request-log-reader'
import type { OpenedApi } from '../support/open-api.ts'
import { createGptLoadClient, groupInput } from './gpt-load-client.ts'

/** Logs that a test puts there, newest first; what was asked for is kept. The reader's own queries are tests of log-ingest. */
export function createFakeLogs() {
  const rows: AttemptLogRow[] = []
  const sums: (RequestSums & { spanS: number })[] = []
  const asked: AttemptLogQuery[] = []
  const seriesAsked: RequestSeriesQuery[] = []
  const bodies = new Map<string, string>()
  const contents: ContentReader = {
    find: async () => null,
    requestTexts: async (ids) => new Map([...bodies].filter(([id]) => ids.includes(id))),
  }
  const attempts: AttemptLogReader = {
    async rows(query, { limit, offset = 0, after }) {
      asked.push(query)
      const start = after === undefined ? offset : rows.findIndex(({ rowId }) => rowId === after.rowId) + 1
      return rows.slice(start, start + limit)
    },
    count: async (_query, max) => Math.min(rows.length, max),
  }
  const series = async (query: RequestSeriesQuery) => {
    seriesAsked.push(query)
    return sums.filter(({ spanS, bucketS }) => spanS === query.spanS && bucketS >= query.fromS && bucketS < query.toS)
  }
  return { rows, sums, bodies, asked, seriesAsked, attempts, contents, series }
}

export type FakeLogs = ReturnType<typeof createFakeLogs>

const row = (rowId: number, changes: Partial<AttemptLogRow> = {}): AttemptLogRow => ({
  receivedAtMs: Date.UTC(2026, 0, 2) + rowId,
  rowId,
  number: 1,
  requestId: `request-${rowId}`,
  isFinal: true,
  isSuccess: true,
  groupId: 1,
  groupName: 'logged',
  parentGroupId: 0,
  parentGroupName: '',
  keyId: 0,
  keyHint: '',
  accessKeyId: 0,
  edge: 'edge-1',
  method: 'POST',
  requestPath: '/proxy/logged/v1/chat/completions',
  model: 'gpt-4.1-nano',
  isStream: true,
  clientAddress: '192.0.2.7',
  userAgent: 'script',
  upstream: 'https://api.example.com',
  status: 200,
  errorClass: '',
  errorMessage: '',
  firstByteMs: 12,
  durationMs: 30,
  tokensInput: 5,
  tokensOutput: -1,
  ...changes,
})

export function describeLogs(api: () => Promise<OpenedApi>, logs: FakeLogs): void {
  const put = (...rows: AttemptLogRow[]): void => {
    logs.asked.length = 0
    logs.rows.splice(0, logs.rows.length, ...rows)
  }
  const pool = async (name: string, keys: readonly string[]) => {
    const opened = await api()
    const { data } = createGptLoadClient(opened)
    const { id } = await data('POST', '/api/groups', groupInput(name))
    await data('POST', '/api/keys/add-multiple', { group_id: id, keys_text: keys.join(' ') })
    const { items } = await data('GET', `/api/keys?group_id=${id}`)
    const idOf = (value: string): number => items.find(({ key_value }: { key_value: string }) => key_value === value).id
    return { data, id, idOf, opened }
  }

  describe('logs', () => {
    test('a row has the fields of GPT-Load; the key is in clear for secrets:read, else masked', async () => {
      const { data, id, idOf, opened } = await pool('logged', ['sk-logged-secret-0001'])
      const failed = { isSuccess: false, status: 429, errorClass: 'rate_limit', errorMessage: 'slow down' } as const
      const ofKey = { keyId: idOf('sk-logged-secret-0001'), groupId: id }
      const retried = row(1, { ...ofKey, ...failed, isFinal: false, groupName: '', tokensInput: -1, firstByteMs: -1 })
      const parent = { parentGroupId: 9, parentGroupName: 'aggregate', accessKeyId: 3, number: 2 }
      put(row(1, { ...ofKey, ...parent }), retried)
      logs.bodies.set('request-1', '{"model":"gpt-4.1-nano"}')
      const { items, pagination, total_is_estimate } = await data('GET', '/api/logs')
      assert.deepEqual(
        [pagination, total_is_estimate],
        [{ page: 1, page_size: 15, total_items: 2, total_pages: 1 }, undefined],
      )
      const { key_hash: hash, ...final } = items[0]
      assert.match(hash, /^[0-9a-f]{64}$/)
      assert.deepEqual(final, {
        id: 'request-1',
        timestamp: '2026-01-02T00:00:00.001Z',
        group_id: id,
        group_name: 'logged',
        parent_group_id: 9,
        parent_group_name: 'aggregate',
        key_value: 'sk-logged-secret-0001',
        model: 'gpt-4.1-nano',
        is_success: true,
        source_ip: '192.0.2.7',
        status_code: 200,
        request_path: '/proxy/logged/v1/chat/completions',
        duration_ms: 30,
        error_message: '',
        user_agent: 'script',
        request_type: 'final',
        upstream_addr: 'https://api.example.com',
        is_stream: true,
        request_body: '{"model":"gpt-4.1-nano"}',
        request_id: 'request-1',
        attempt: 2,
        method: 'POST',
        ttfb_ms: 12,
        error_class: null,
        prompt_tokens: 5,
        completion_tokens: null,
        access_key_id: 3,
        edge: 'edge-1',
      })
      const { group_name, request_type, status_code, error_message, is_success, id: rowId, ttfb_ms } = items[1]
      assert.deepEqual(
        [rowId, group_name, request_type, status_code, error_message, is_success, ttfb_ms],
        ['request-1-1', 'logged', 'retry', 429, 'slow down', false, null],
      )
      const { body: token } = await opened.operate('createAdminToken', {
        body: { name: 'log-reader', scopes: ['read'] },
      })
      const headers = { authorization: `Bearer ${token.token}` }
      const [masked] = (await data('GET', '/api/logs', undefined, headers)).items
      assert.deepEqual([masked.key_value, masked.request_body], ['sk-…001', ''])
      logs.bodies.clear()
      await data('GET', '/api/logs')
      const { items: seen } = (await opened.operate('listAudit', { query: 'entity=log&entity_id=list' })).body
      assert.deepEqual(
        seen.map(({ detail }: { detail: object }) => detail),
        [{ requests: 1 }],
      )
    })

    test('filters are ANDed, a key is found by its value in any group, what is malformed counts as left out', async () => {
      const { data, idOf } = await pool('log-filters', ['sk-log-filter-secret-0002'])
      put(row(1))
      const filters = {
        parent_group_name: 'Agg',
        group_name: 'log',
        model: 'gpt',
        error_contains: 'a 100% _sure_',
        key_value: 'sk-log-filter-secret-0002',
        is_success: '0',
        request_type: 'retry',
        status_code: '429',
        source_ip: '192.0.2.7',
        start_time: '2026-01-02T03:04:05+02:00',
        end_time: '2026-01-03T00:00:00Z',
      }
      await data('GET', `/api/logs?${new URLSearchParams(filters)}`)
      assert.deepEqual(logs.asked.at(-1), {
        fromMs: Date.UTC(2026, 0, 2, 1, 4, 5),
        toMs: Date.UTC(2026, 0, 3) + 1,
        parentGroupName: 'Agg',
        groupName: 'log',
        model: 'gpt',
        error: 'a 100% _sure_',
        clientAddress: '192.0.2.7',
        status: 429,
        isSuccess: false,
        isFinal: false,
        keyIds: [idOf('sk-log-filter-secret-0002')],
      })
      const bad = 'is_success=maybe&request_type=odd&status_code=x&start_time=yesterday&model=+'
      const nowMs = Date.now()
      await data('GET', `/api/logs?${bad}`)
      const { fromMs, toMs, ...rest } = logs.asked.at(-1)!
      assert.deepEqual(rest, {})
      assert.ok(toMs > nowMs && toMs - fromMs === 31 * 86_400_000)
      await data('GET', '/api/logs?key_value=sk-nobody-has-this')
      assert.deepEqual(logs.asked.at(-1)?.keyIds, [])
    })

    test('pages reach as far as rows are counted', async () => {
      const { data } = createGptLoadClient(await api())
      put(...Array.from({ length: 10_500 }, (_, n) => row(20_000 - n)))
      const page = async (query: string) => data('GET', `/api/logs?${query}`)
      const { items, pagination, total_is_estimate } = await page('page=10&page_size=1000')
      assert.deepEqual(
        [items.length, items[0].id, pagination.total_items, pagination.total_pages, total_is_estimate],
        [1_000, 'request-11000', 10_000, 10, true],
      )
      assert.deepEqual((await page('page=11&page_size=1000')).items, [])
    })

    test('the export has one line per key, its newest row, from all pages; deleted keys show their hint', async () => {
      const keys = ['sk-log-export-secret-a', 'sk-log-export-secret-b']
      const { id, idOf, opened } = await pool('log-export', keys)
      const [a, b] = keys.map((key) => ({ keyId: idOf(key), groupId: id, groupName: 'log-export' }))
      const older = Array.from({ length: 4_100 }, (_, n) => row(4_100 - n, { ...a, status: 500 }))
      const gone = row(0, { keyId: 999_999_999, keyHint: 'sk-…,9', groupName: 'away "x"', status: 401 })
      put(row(5_000, { ...a, status: 401 }), row(4_999), ...older, row(-1, { ...b, status: 429 }), gone)
      const answer = await opened.call('/api/logs/export?status_code=401')
      assert.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
      assert.match(
        answer.headers.get('content-disposition') ?? '',
        /^attachment; filename=log_keys_export_\d{14}\.csv$/,
      )
      assert.equal(
        answer.text,
        'key_value,group_name,status_code\nsk-log-export-secret-a,log-export,401\n' +
          'sk-log-export-secret-b,log-export,429\n"sk-…,9","away ""x""",401\n',
      )
      assert.ok(logs.asked.every(({ status }) => status === 401))
      put()
    })
  })
}
