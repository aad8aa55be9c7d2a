import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { adminKey, openApi } from '../support/open-api.ts'
import { sqliteConnection } from '../support/open-stores.ts'

const origin = 'https://panel.test'
const cors = {
  allowedOrigins: [origin],
  allowedMethods: ['GET', 'PATCH'],
  allowedHeaders: ['*'],
  allowCredentials: true,
}
const preflight = (from: string) => ({
  method: 'OPTIONS',
  headers: {
    origin: from,
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': 'authorization,if-match',
  },
})
const allowed = ({ headers }: Response) => headers.get('access-control-allow-origin')

describe('the admin API and pages of other origins', () => {
  test('an allowed origin may ask and read, on errors too; others get no permission', async () => {
    await using opened = await openApi(sqliteConnection(), { cors })
    const asked = await fetch(`${opened.url}/api/v1/groups`, preflight(origin))
    const granted = ['origin', 'methods', 'headers', 'credentials'].map((name) =>
      asked.headers.get(`access-control-allow-${name}`),
    )
    assert.deepEqual([asked.status, ...granted], [204, origin, 'GET,PATCH', 'authorization,if-match', 'true'])
    const headers = { origin, authorization: `Bearer ${adminKey}` }
    for (const path of ['/api/v1/groups', '/api/groups']) {
      const read = await fetch(opened.url + path, { headers })
      assert.deepEqual([read.status, allowed(read)], [200, origin], path)
      assert.match(read.headers.get('access-control-expose-headers') ?? '', /ETag/)
      const refused = await fetch(opened.url + path, { headers: { origin } })
      assert.deepEqual([refused.status, allowed(refused)], [401, origin], path)
    }
    const other = 'https://other.test'
    assert.equal(allowed(await fetch(`${opened.url}/api/v1/groups`, preflight(other))), null)
    assert.equal(allowed(await fetch(`${opened.url}/api/v1/groups`, { headers: { ...headers, origin: other } })), null)
  })

  test('a change by the session cookie stays refused to them', async () => {
    await using opened = await openApi(sqliteConnection(), { cors })
    const signedIn = await fetch(`${opened.url}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: opened.url },
      body: JSON.stringify({ key: adminKey }),
    })
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? ''
    assert.match(cookie, /^gptload_session=/)
    const change = { method: 'PATCH', headers: { origin, cookie, 'if-match': '*' }, body: '{}' }
    assert.equal((await fetch(`${opened.url}/api/v1/settings`, change)).status, 403)
  })

  test('off, nobody is allowed anything', async () => {
    await using opened = await openApi(sqliteConnection())
    const asked = await fetch(`${opened.url}/api/v1/groups`, preflight(origin))
    assert.deepEqual([asked.status, allowed(asked)], [405, null])
  })
})

test('/health/ready is 503 while we are not ready, /health 200 in any case', async () => {
  for (const isReady of [true, false]) {
    await using opened = await openApi(sqliteConnection(), { isReady })
    const ready = await fetch(`${opened.url}/health/ready`)
    assert.deepEqual(
      [ready.status, await ready.json()],
      isReady ? [200, { status: 'ready' }] : [503, { status: 'not_ready' }],
    )
    assert.equal((await fetch(`${opened.url}/health`)).status, 200)
  }
})
