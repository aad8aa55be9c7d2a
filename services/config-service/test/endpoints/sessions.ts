import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { removeExpiredSessions } from '../../src/sessions/remove-expired-sessions.ts'
import { adminKey, openApi, type ApiAnswer, type OpenedApi } from '../support/open-api.ts'
import type { Dialects } from '../support/open-stores.ts'

/** The cookie as a browser sends it back. */
export function cookieOf(answer: ApiAnswer): string {
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
}

const bySession = (cookie: string, headers: Record<string, string> = {}) => ({ authorization: '', cookie, ...headers })
const samePage = { 'sec-fetch-site': 'same-origin' }

export function describeSessions(api: () => Promise<OpenedApi>, connect: Dialects[string]): void {
  const signIn = async ({ call }: OpenedApi, key = adminKey, headers: Record<string, string> = {}) =>
    call('/api/v1/sessions', { method: 'POST', body: { key }, headers: { authorization: '', ...headers } })
  const statusBy = async ({ call }: OpenedApi, cookie: string) =>
    (await call('/api/v1/status', { headers: bySession(cookie) })).status

  describe('sessions', () => {
    test('the admin key opens a session whose cookie acts as it, until it is ended', async () => {
      const opened = await api()
      const { operate } = opened
      const created = await operate('createSession', { body: { key: adminKey }, headers: { authorization: '' } })
      const attributes = (created.headers.get('set-cookie') ?? '').split('; ').slice(1)
      for (const attribute of ['Path=/', 'HttpOnly', 'SameSite=Lax', 'Max-Age=604800'])
        assert.ok(attributes.includes(attribute), attribute)
      assert.ok(!attributes.includes('Secure'))
      const headers = bySession(cookieOf(created))
      const session = await operate('getSession', { headers })
      assert.deepEqual(session.body, created.body)
      assert.deepEqual([session.body.name, session.body.scopes], ['admin', ['read', 'write', 'secrets:read']])
      const ended = await operate('deleteSession', { headers: { ...headers, ...samePage } })
      assert.match(ended.headers.get('set-cookie') ?? '', /^gptload_session=;.*Expires=Thu, 01 Jan 1970/)
      assert.equal(await statusBy(opened, cookieOf(created)), 401)
    })

    test('a key tells who it is, without an end; nobody is 401', async () => {
      const { operate, call } = await api()
      assert.equal((await operate('getSession')).body.expires_at, null)
      assert.equal((await call('/api/v1/session', { headers: { authorization: '' } })).status, 401)
      assert.equal((await call('/api/v1/session', { headers: bySession('gptload_session=wrong') })).status, 401)
    })

    test('a wrong key opens nothing, and is named at its field', async () => {
      const { status, body, headers } = await signIn(await api(), 'not-the-admin-key')
      assert.deepEqual([status, body.code, body.errors[0].pointer], [401, 'unauthorized', '/key'])
      assert.equal(headers.get('set-cookie'), null)
    })

    test('the token is stored as a hash only', async () => {
      const opened = await api()
      const token = cookieOf(await signIn(opened)).split('=')[1] ?? ''
      const rows = await opened.store.sql.query<{ hash: Buffer }>('SELECT * FROM sessions')
      assert.ok(rows.length > 0 && token.length === 43)
      for (const row of rows) {
        assert.notEqual(row.hash.toString('base64url'), token)
        assert.ok(!JSON.stringify(row).includes(token) && !JSON.stringify(row).includes(adminKey))
      }
    })

    test('changes by a session must come from our own origin; a key needs no origin', async () => {
      const opened = await api()
      const { call, url } = opened
      const cookie = cookieOf(await signIn(opened))
      const change = async (headers: Record<string, string>) =>
        (await call('/api/v1/access-keys', { method: 'POST', body: { name: 'by-session' }, headers })).status
      const from = (headers: Record<string, string>) => change(bySession(cookie, headers))
      assert.equal(await from({}), 403)
      assert.equal(await from({ origin: 'https://evil.example' }), 403)
      assert.equal(await from({ origin: url.replace('http:', 'https:') }), 403)
      assert.equal(await from({ origin: 'null' }), 403)
      assert.equal(await from({ 'sec-fetch-site': 'cross-site', origin: url }), 403)
      assert.equal(await from({ 'sec-fetch-site': 'same-site' }), 403)
      assert.equal(await from(samePage), 201)
      assert.equal(await from({ origin: url }), 201)
      assert.equal(await change({ origin: 'https://evil.example' }), 201)
      const refused = await call('/api/v1/session', { method: 'DELETE', headers: bySession(cookie) })
      assert.equal(refused.body.code, 'cross_origin')
    })

    test('a key beside the cookie decides, also a wrong one', async () => {
      const opened = await api()
      const cookie = cookieOf(await signIn(opened))
      const answer = await opened.call('/api/v1/status', { headers: { authorization: 'Bearer wrong', cookie } })
      assert.equal(answer.status, 401)
    })

    test('another replica with the same AUTH_KEY takes the session, one with another key does not', async () => {
      const connection = await connect()
      await using first = await openApi(connection)
      const cookie = cookieOf(await signIn(first))
      await using second = await openApi(connection)
      assert.equal(await statusBy(second, cookie), 200)
      await using changed = await openApi(connection, { authKey: 'another-admin-key-of-length' })
      assert.equal(await statusBy(changed, cookie), 401)
    })

    test('twelve hours without use end it, so do seven days of use; the job removes what is over', async () => {
      let offsetMs = 0
      const system = createSystemClock()
      const clock = { ...system, nowMs: () => system.nowMs() + offsetMs }
      await using opened = await openApi(await connect(), { clock })
      const hourMs = 3_600_000
      const count = async () => (await opened.store.sql.query('SELECT id FROM sessions')).length
      const idle = cookieOf(await signIn(opened))
      const used = cookieOf(await signIn(opened))
      for (let hours = 0; hours < 7 * 24 - 11; hours += 11) {
        offsetMs += 11 * hourMs
        assert.equal(await statusBy(opened, used), offsetMs < 7 * 24 * hourMs ? 200 : 401, String(hours))
      }
      assert.equal(await statusBy(opened, idle), 401)
      offsetMs = 7 * 24 * hourMs + 1
      assert.equal(await statusBy(opened, used), 401)
      assert.equal(await count(), 2)
      await removeExpiredSessions(opened.store, clock.nowMs())
      assert.equal(await count(), 0)
    })

    test('the cookie is Secure exactly when a trusted proxy says that the browser came by https', async () => {
      const secure = async (opened: OpenedApi, headers: Record<string, string>) =>
        /; Secure/.test((await signIn(opened, adminKey, headers)).headers.get('set-cookie') ?? '')
      const https = { 'x-forwarded-proto': 'https', 'x-gptload-client-scheme': 'https' }
      assert.equal(await secure(await api(), https), false)
      await using behind = await openApi(await connect(), { trustedProxies: ['127.0.0.1'] })
      assert.equal(await secure(behind, https), true)
      assert.equal(await secure(behind, { 'x-forwarded-proto': 'http' }), false)
      const page = { ...https, 'x-forwarded-host': 'load.example', origin: 'https://load.example' }
      const cookie = cookieOf(await signIn(behind))
      const ended = { method: 'DELETE', headers: bySession(cookie, page) }
      assert.equal((await behind.call('/api/v1/session', ended)).status, 204)
    })

    test('wrong keys make their address wait, many of them from anywhere the account, but not its bearer keys', async () => {
      await using opened = await openApi(await connect(), { trustedProxies: ['127.0.0.1'] })
      const from = (address: string, key: string) => signIn(opened, key, { 'x-forwarded-for': address })
      for (let n = 0; n < 10; n += 1) assert.equal((await from('203.0.113.1', 'wrong')).status, 401)
      assert.equal((await from('203.0.113.1', adminKey)).status, 429)
      assert.equal((await from('203.0.113.2', adminKey)).status, 201)
      for (let n = 0; n < 90; n += 1) assert.equal((await from(`198.51.100.${n}`, 'wrong')).status, 401)
      const locked = await from('203.0.113.3', adminKey)
      assert.deepEqual([locked.status, locked.body.code], [429, 'too_many_requests'])
      assert.equal((await opened.call('/api/v1/status', { headers: { 'x-forwarded-for': '203.0.113.3' } })).status, 200)
    })
  })
}
