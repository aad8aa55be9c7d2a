import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { adminKey, type OpenedApi } from '../support/open-api.ts'
import type { LogDatabase } from '../support/open-log-database.ts'

type Item = { request_id: string }
const ids = (items: Item[]) => items.map(({ request_id: id }) => id)

export function describeLogSearch(api: () => Promise<OpenedApi>, logs: Promise<LogDatabase>): void {
  const nowMs = Date.now()
  const filled = logs.then(async ({ addLog }) => {
    for (let id = 1; id <= 7; id += 1)
      await addLog(id, { received_at: nowMs - 60_000 + id, status: id % 3 === 0 ? 503 : 200, duration_ms: id * 100 })
    return true
  })

  describe('the log of requests', () => {
    test('pages go both ways, and say how far they have looked', async () => {
      await filled
      const { operate } = await api()
      const first = (await operate('listLogs', { query: 'limit=3' })).body
      assert.deepEqual(ids(first.items), ['req-7', 'req-6', 'req-5'])
      const second = (await operate('listLogs', { query: `limit=3&cursor=${first.next_cursor}` })).body
      assert.deepEqual(ids(second.items), ['req-4', 'req-3', 'req-2'])
      const back = (await operate('listLogs', { query: `limit=3&cursor=${second.previous_cursor}` })).body
      assert.deepEqual(ids(back.items), ['req-5', 'req-6', 'req-7'])
      const last = (await operate('listLogs', { query: `limit=3&cursor=${second.next_cursor}` })).body
      assert.deepEqual([ids(last.items), last.next_cursor], [['req-1'], null])
      assert.ok(Date.parse(last.searched_until) <= nowMs - 86_000_000)
      const oldest = (await operate('listLogs', { query: 'limit=2&order=oldest&min_duration_ms=300&failed=false' }))
        .body
      assert.deepEqual(ids(oldest.items), ['req-4', 'req-5'])
    })

    test('a range that is too long, ends before it begins, or a strange cursor is refused', async () => {
      const { operate, call } = await api()
      assert.equal((await operate('getLog', { params: { request_id: 'req-1' } })).body.status, 200)
      assert.equal((await call('/api/v1/logs/other')).status, 404)
      for (const query of [
        'from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z',
        'from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
        'cursor=bogus',
        `cursor=${Buffer.from('[0,9007199254740991,"newest",9007199254740991,1]').toString('base64url')}`,
        'min_tokens=-1',
      ])
        for (const path of query.startsWith('cursor') ? ['logs'] : ['logs', 'logs/export.csv'])
          assert.equal((await call(`/api/v1/${path}?${query}`)).status, 400, `${path} ${query}`)
    })

    test('recorded bodies are shown to who may see secrets, and the audit log names who saw them', async () => {
      const { operate, call } = await api()
      await (await logs).insert('request_contents', recorded)
      const { body } = await operate('getLogContent', { params: { request_id: 'req-2' } })
      assert.deepEqual(body.request, { content_type: 'application/json', text: '{}', is_cut: true, omitted: '' })
      assert.equal(body.response, null)
      const [seen] = (await operate('listAudit', { query: 'limit=1' })).body.items
      assert.deepEqual([seen.action, seen.entity_id, seen.detail], ['log.read_content', 'req-2', { group_id: 1 }])
      const token = { name: 'no bodies', scopes: ['read', 'write'] }
      const { token: reader } = (await operate('createAdminToken', { body: token })).body
      const headers = { authorization: `Bearer ${reader}` }
      assert.equal((await call('/api/v1/logs/req-2/content', { headers })).status, 403)
      const none = (await operate('getLogContent', { params: { request_id: 'req-1' } })).body
      assert.deepEqual([none.group_id, none.request, none.response], [1, null, null])
      assert.equal((await call('/api/v1/logs/other/content')).status, 404)
      const [newest] = (await operate('listAudit', { query: 'entity=log&limit=1' })).body.items
      assert.equal(newest.entity_id, 'req-2')
      assert.ok(!JSON.stringify((await operate('getLog', { params: { request_id: 'req-2' } })).body).includes('"text"'))
    })

    test('what is found is taken away whole, as CSV and as JSON lines', async () => {
      await filled
      const { operate } = await api()
      const lines = (await operate('exportLogs', { query: 'status=200' })).text.trim().split('\n')
      assert.deepEqual(ids(lines.map((line) => JSON.parse(line))), ['req-7', 'req-5', 'req-4', 'req-2', 'req-1'])
      const [head, ...rows] = (await operate('exportLogsCsv', { query: 'order=oldest&status_class=5' })).text
        .trim()
        .split('\r\n')
      assert.match(head!, /^received_at,request_id,status,/)
      assert.deepEqual(
        rows.map((row) => row.split(',').slice(1, 3)),
        [
          ['req-3', '503'],
          ['req-6', '503'],
        ],
      )
    })

    test('the tail tells each follower what it asked for, by one query for all', async () => {
      await filled
      const opened = await api()
      const { addLog } = await logs
      const followers = await Promise.all(
        ['', 'status=200', 'group_id=999'].map(async (query) => {
          const abort = new AbortController()
          const response = await fetch(`${opened.url}/api/v1/logs/tail?${query}`, {
            headers: { authorization: `Bearer ${adminKey}` },
            signal: abort.signal,
          })
          assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
          const follower = { text: '', abort, end: Promise.resolve() }
          follower.end = (async () => {
            for await (const chunk of response.body!) follower.text += Buffer.from(chunk).toString()
          })().catch(() => undefined)
          return follower
        }),
      )
      await until(() => followers.every(({ text }) => text.includes(': alive')), { what: 'the first poll' })
      await addLog(100, { received_at: Date.now(), status: 200 })
      await addLog(101, { received_at: Date.now(), status: 429, group_id: 2, member_group_id: 999 })
      const seen = (text: string) => [...text.matchAll(/"request_id":"(req-\d+)"/g)].map(([, id]) => id)
      await until(() => seen(followers[0]!.text).length === 2, { what: 'both requests', timeoutMs: 10_000 })
      await until(() => seen(followers[2]!.text).length === 1, { what: 'the request of a member' })
      assert.deepEqual(
        followers.map(({ text }) => seen(text)),
        [['req-100', 'req-101'], ['req-100'], ['req-101']],
      )
      opened.noteTried('watchLogs')
      for (const { abort } of followers) abort.abort()
      await Promise.all(followers.map(({ end }) => end))
    })
  })
}

const recorded = {
  stored_on: 1,
  request_id: 'req-2',
  received_at: 1_700_000_000_000,
  group_id: 1,
  request_type: 'application/json',
  request_text: '{}',
  request_cut: 1,
  request_omitted: '',
  response_type: null,
  response_text: '',
  response_cut: 0,
  response_omitted: '',
}
