import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { adminKey, type OpenedApi } from '../support/open-api.ts'
import { createGptLoadClient, groupInput } from './gpt-load-client.ts'

const nobody = { authorization: '' }

export function describeConventions(api: () => Promise<OpenedApi>): void {
  describe('conventions', () => {
    test('the key is taken from ?key= and from each header; only the URL makes the answer deprecated', async () => {
      const { call, logged } = await api()
      const places: Record<string, string>[] = [
        { authorization: `Bearer ${adminKey}` },
        { 'x-api-key': adminKey },
        { 'x-goog-api-key': adminKey },
      ]
      for (const headers of places) {
        const answer = await call('/api/groups/list', { headers: { ...nobody, ...headers } })
        assert.deepEqual([answer.status, answer.headers.get('deprecation')], [200, null], Object.keys(headers).join())
      }
      const byUrl = await call(`/api/groups/list?key=${adminKey}`, { headers: nobody })
      assert.equal(byUrl.status, 200)
      assert.match(byUrl.headers.get('deprecation') ?? '', /^@\d+$/)
      assert.ok(logged.every((line) => !line.includes(adminKey)))
    })

    test('a key in the URL stays refused in /api/v1', async () => {
      const { call } = await api()
      assert.equal((await call(`/api/v1/groups?key=${adminKey}`, { headers: nobody })).status, 401)
    })

    test('no key is 401 UNAUTHORIZED, a token without the scope 403 FORBIDDEN', async () => {
      const opened = await api()
      const { refused } = createGptLoadClient(opened)
      await refused({ path: '/api/groups', headers: nobody }, 401, 'UNAUTHORIZED')
      const { body } = await opened.operate('createAdminToken', { body: { name: 'reader', scopes: ['read'] } })
      const headers = { authorization: `Bearer ${body.token}` }
      assert.equal((await opened.call('/api/groups', { headers })).status, 200)
      await refused({ path: '/api/groups', method: 'POST', headers, body: groupInput('no') }, 403, 'FORBIDDEN')
    })

    test('messages are in the language of the first entry of Accept-Language, English otherwise', async () => {
      const { call } = await api()
      const messageIn = async (language: string) =>
        (await call('/api/groups/list', { headers: { 'accept-language': language } })).body.message
      assert.deepEqual(
        [await messageIn('zh-CN,en;q=0.5'), await messageIn('ja'), await messageIn('en-GB'), await messageIn('fr, zh')],
        ['操作成功', '成功しました', 'Success', 'Success'],
      )
      const refusal = await call('/api/groups/99999', { headers: { 'accept-language': 'zh-TW' } })
      assert.match(refusal.body.message, /^未找到/)
    })

    test('a body that is no JSON, or has wrong JSON types, is INVALID_JSON; one without Content-Type is read', async () => {
      const opened = await api()
      const { refused } = createGptLoadClient(opened)
      const path = '/api/groups'
      await refused({ path, method: 'POST', raw: '{"name":' }, 400, 'INVALID_JSON')
      await refused({ path, method: 'POST', body: { ...groupInput('x'), sort: '1' } }, 400, 'INVALID_JSON')
      const typeless = await opened.call('/api/settings', {
        method: 'PUT',
        raw: '{}',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      assert.deepEqual([typeless.status, typeless.body.code, 'data' in typeless.body], [200, 0, false])
    })

    test('If-Match is optional and honoured', async () => {
      const opened = await api()
      const { data, refused } = createGptLoadClient(opened)
      const { id, revision } = await data('POST', '/api/groups', groupInput('tagged'))
      const path = `/api/groups/${id}`
      await data('PUT', path, { description: 'one' }, { 'if-match': `"${revision}"` })
      const stale = { path, method: 'PUT', body: { description: 'two' }, headers: { 'if-match': `"${revision}"` } }
      await refused(stale, 412, 'PRECONDITION_FAILED')
      assert.equal((await data('PUT', path, { description: 'three' })).description, 'three')
    })

    test('login answers without envelope, opens a session, and says no to a wrong key', async () => {
      const { call } = await api()
      const login = (body: object) => call('/api/auth/login', { method: 'POST', body, headers: nobody })
      const right = await login({ auth_key: adminKey })
      assert.deepEqual([right.status, right.body], [200, { success: true, message: 'Signed in' }])
      const cookie = right.headers.get('set-cookie')?.split(';')[0] ?? ''
      assert.equal((await call('/api/groups', { headers: { ...nobody, cookie } })).status, 200)
      const wrong = await login({ auth_key: 'not-the-admin-key' })
      assert.deepEqual([wrong.status, wrong.body.success], [401, false])
      const empty = await login({})
      assert.deepEqual([empty.status, empty.body.success], [400, false])
    })

    test('a form of another site signs nobody in', async () => {
      const { call } = await api()
      const send = (type: string, headers: Record<string, string>) =>
        call('/api/auth/login', {
          method: 'POST',
          raw: JSON.stringify({ auth_key: adminKey }),
          headers: { ...nobody, 'content-type': type, ...headers },
        })
      const foreign = { origin: 'http://elsewhere.example' }
      for (const [type, headers] of [
        ['text/plain', foreign],
        ['application/x-www-form-urlencoded', { origin: 'null' }],
      ] as const) {
        const refused = await send(type, headers)
        assert.deepEqual([refused.status, refused.body.code], [403, 'FORBIDDEN'])
        assert.equal(refused.headers.get('set-cookie'), null)
      }
      assert.equal((await send('text/plain', {})).status, 200)
      assert.equal((await send('application/json', foreign)).status, 200)
    })

    test('channel types are a list of names', async () => {
      const { data } = createGptLoadClient(await api())
      const types = ['openai', 'openai-response', 'anthropic', 'gemini', 'azure-openai']
      assert.deepEqual(await data('GET', '/api/channel-types'), types)
    })
  })
}
