import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { openApi, type OpenedApi } from '../support/open-api.ts'
import type { Dialects } from '../support/open-stores.ts'
import { cookieOf } from './sessions.ts'

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

export function describeAdminTokens(api: () => Promise<OpenedApi>, connect: Dialects[string]): void {
  describe('admin tokens', () => {
    const create = async ({ operate }: OpenedApi, name: string, scopes: string[], more: object = {}) =>
      (await operate('createAdminToken', { body: { name, scopes, ...more } })).body

    test('a token is shown once and listed by its hint; the database holds its hash', async () => {
      const opened = await api()
      const { token, ...shown } = await create(opened, 'ci', ['write', 'read'])
      assert.match(token, /^gla_[\w-]{43}$/)
      assert.match(shown.hint, new RegExp(`^gla_.{4}….{4}#${shown.id}$`))
      assert.deepEqual([shown.scopes, shown.created_by, shown.last_used_at], [['read', 'write'], 'admin', null])
      const list = await opened.operate('listAdminTokens', { query: 'limit=1' })
      assert.deepEqual(list.body.items, [shown])
      assert.ok(!list.text.includes(token))
      const named = async (search: string) =>
        (await opened.operate('listAdminTokens', { query: `search=${search}` })).body.items.length
      assert.deepEqual([await named('CI'), await named('nobody-has-it')], [1, 0])
      const rows = await opened.store.sql.query('SELECT * FROM admin_tokens')
      assert.ok(!JSON.stringify(rows).includes(token))
    })

    test('it may do what its scopes say, under its own name, and nothing after its deletion', async () => {
      const opened = await api()
      const { call, operate, store } = opened
      const reader = await create(opened, 'reader', ['read'])
      const writer = await create(opened, 'writer', ['write'])
      const post = (token: string) =>
        call('/api/v1/access-keys', { method: 'POST', body: { name: 'by a token' }, ...bearer(token) })
      assert.equal((await call('/api/v1/status', bearer(reader.token))).status, 200)
      assert.deepEqual([(await post(reader.token)).status, (await post(reader.token)).body.code], [403, 'forbidden'])
      assert.equal((await call('/api/v1/status', bearer(writer.token))).status, 403)
      const made = await post(writer.token)
      const rows = await store.sql.query<{ actor: string }>(
        "SELECT actor FROM audit_log WHERE action = 'access_key.create' AND entity_id = ?",
        [String(made.body.id)],
      )
      assert.deepEqual(rows, [{ actor: 'token:writer' }])
      await operate('deleteAdminToken', { params: { id: reader.id } })
      assert.equal((await call('/api/v1/status', bearer(reader.token))).status, 401)
      assert.equal((await call(`/api/v1/admin-tokens/${reader.id}`, { method: 'DELETE' })).status, 404)
    })

    test('a session opened with a token may do no more than it, and ends with it', async () => {
      const opened = await api()
      const { call, operate } = opened
      const { id, token } = await create(opened, 'browser', ['read'])
      const signedIn = await operate('createSession', { body: { key: token }, headers: { authorization: '' } })
      assert.deepEqual([signedIn.body.name, signedIn.body.scopes], ['token:browser', ['read']])
      const headers = { authorization: '', cookie: cookieOf(signedIn), 'sec-fetch-site': 'same-origin' }
      const status = async (init: object = {}, path = '/api/v1/status') =>
        (await call(path, { headers, ...init })).status
      assert.equal(await status(), 200)
      assert.equal(await status({ method: 'POST', body: { name: 'no' } }, '/api/v1/access-keys'), 403)
      await operate('deleteAdminToken', { params: { id } })
      assert.equal(await status(), 401)
    })

    test('nobody gives scopes that they do not have, and a name exists once', async () => {
      const opened = await api()
      const { call } = opened
      const { token } = await create(opened, 'limited', ['read', 'write'])
      const post = (body: object, init: object = {}) => call('/api/v1/admin-tokens', { method: 'POST', body, ...init })
      assert.equal((await post({ name: 'more', scopes: ['secrets:read'] }, bearer(token))).status, 403)
      assert.equal((await post({ name: 'as much', scopes: ['write'] }, bearer(token))).status, 201)
      const twice = await post({ name: 'limited', scopes: ['read'] })
      assert.deepEqual([twice.status, twice.body.errors[0].pointer], [409, '/name'])
      const past = await post({ name: 'late', scopes: ['read'], expires_at: '2020-01-01T00:00:00Z' })
      assert.deepEqual([past.status, past.body.errors[0].pointer], [400, '/expires_at'])
    })

    test('past its expiry it is 401; its use is noted', async () => {
      let offsetMs = 0
      const system = createSystemClock()
      const clock = { ...system, nowMs: () => system.nowMs() + offsetMs }
      await using opened = await openApi(await connect(), { clock })
      const expiresAt = new Date(clock.nowMs() + 3_600_000).toISOString()
      const { token } = await create(opened, 'short', ['read'], { expires_at: expiresAt })
      const status = async () => (await opened.call('/api/v1/status', bearer(token))).status
      assert.equal(await status(), 200)
      const [listed] = (await opened.operate('listAdminTokens')).body.items
      assert.ok(Math.abs(Date.parse(listed.last_used_at) - Date.now()) < 60_000)
      offsetMs = 3_600_001
      assert.equal(await status(), 401)
    })
  })
}
