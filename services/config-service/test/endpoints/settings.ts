import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anyRevision, type OpenedApi } from '../support/open-api.ts'

export function describeSettings(api: () => Promise<OpenedApi>): void {
  describe('settings', () => {
    test('settings tell value, default and source, are changed all or nothing, and go back to their default', async () => {
      const { operate, call, revision } = await api()
      const valueOf = async (setting: string) =>
        (await operate('listSettings')).body.items.find((entry: { name: string }) => entry.name === setting)
      await operate('updateSettings', {
        body: { max_retries: 7, proxy_url: 'http://user:proxy-pa55word@127.0.0.1:3128' },
      })
      assert.deepEqual([(await valueOf('max_retries')).value, (await valueOf('max_retries')).source], [7, 'database'])
      const proxy = (await valueOf('proxy_url')).value
      assert.ok(proxy.includes('127.0.0.1:3128') && !proxy.includes('pa55word'))
      const before = await revision()
      await operate('updateSettings', { body: { max_retries: 7, proxy_url: proxy } })
      assert.equal(await revision(), before)
      const refused = await call('/api/v1/settings', {
        method: 'PATCH',
        headers: anyRevision,
        body: { max_retries: 8, connect_timeout: 0, unknown_one: 1 },
      })
      assert.deepEqual(refused.body.errors.map((error: { pointer: string }) => error.pointer).toSorted(), [
        '/connect_timeout',
        '/unknown_one',
      ])
      const etag = (await operate('listSettings')).headers.get('etag')
      await operate('updateSettings', { body: { max_retries: null } })
      const reset = await operate('listSettings')
      assert.equal((await valueOf('max_retries')).source, 'default')
      assert.notEqual(reset.headers.get('etag'), etag)
    })

    test('redaction rules that an edge could not use are refused, for the system and for a group', async () => {
      const { call, operate } = await api()
      const rules = 'email\n/(?=a)b/'
      const system = await call('/api/v1/settings', {
        method: 'PATCH',
        headers: anyRevision,
        body: { content_redaction_rules: rules },
      })
      assert.deepEqual(
        [system.status, system.body.errors?.[0]?.pointer],
        [400, '/content_redaction_rules'],
        JSON.stringify(system.body),
      )
      const group = await call('/api/v1/groups', {
        method: 'POST',
        body: {
          name: 'redacting',
          channel: 'openai',
          upstreams: [{ url: 'https://api.example.com' }],
          settings: { content_redaction_rules: rules },
        },
      })
      assert.deepEqual(
        [group.status, group.body.errors?.[0]?.pointer],
        [400, '/settings/content_redaction_rules'],
        JSON.stringify(group.body),
      )
      await operate('updateSettings', { body: { content_redaction_rules: 'email\n/customer-\\d+/i' } })
      await operate('updateSettings', { body: { content_redaction_rules: null } })
    })

    test('settings that are set for the first time by many at once are set by all, and If-Match lets one through', async () => {
      const { call } = await api()
      const values = [1, 2, 3, 4, 5, 6, 7, 8]
      const patch = (body: object, headers: Record<string, string> = anyRevision) =>
        call('/api/v1/settings', { method: 'PATCH', body, headers })
      await patch({ proxy_url: null, max_retries: null })
      const all = await Promise.all(values.map((value) => patch({ max_idle_conns: value })))
      assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([200]))
      await patch({ max_idle_conns: null })
      const etag = (await call('/api/v1/settings')).headers.get('etag') ?? ''
      const guarded = await Promise.all(
        values.map((value) => patch({ max_idle_conns_per_host: value + 10 }, { 'if-match': etag })),
      )
      const statuses = guarded.map(({ status }) => status).toSorted()
      assert.deepEqual(statuses, [200, ...values.slice(1).map(() => 412)])
      await patch({ max_idle_conns_per_host: null })
    })
  })
}
