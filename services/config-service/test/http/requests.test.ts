import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { endpoints, operationIds } from '@gpt-load/contracts/api/endpoints'
import { problemSchema } from '@gpt-load/contracts/problem'
import { defaultMaxBodyBytes, type Endpoint } from '@gpt-load/contracts/api/endpoint'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { adminKey, openApi, type OpenedApi } from '../support/open-api.ts'
import { dialectsOf, sqliteConnection } from '../support/open-stores.ts'

const dialects = dialectsOf(useMariadb())

for (const [name, connectStore] of Object.entries(dialects))
  describe(`requests on ${name}`, () => {
    let opened: OpenedApi | undefined
    const api = async (): Promise<OpenedApi> => (opened ??= await openApi(await connectStore()))
    after(async () => opened?.[Symbol.asyncDispose]())

    const pointers = (body: { errors?: { pointer: string }[] }): string[] =>
      (body.errors ?? []).map(({ pointer }) => pointer).toSorted()

    test('all wrong fields of a request are named at once, by JSON pointers into it', async () => {
      const { call } = await api()
      const { status, body, headers } = await call('/api/v1/groups', {
        method: 'POST',
        body: {
          name: 'Not A Name',
          channel: 'openai',
          upstreams: [{ url: 'https://a.example.com' }, { url: 'ftp://b', weight: -1 }],
          header_rules: [{ key: 'a b', value: 'x\r\ny', action: 'set' }],
          settings: { max_retries: 1.5, max_retry: 1 },
          'odd/na~me': 1,
        },
      })
      assert.equal(status, 400)
      assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/)
      problemSchema.parse(body)
      assert.deepEqual(pointers(body), [
        '/header_rules/0/key',
        '/header_rules/0/value',
        '/name',
        '/odd~1na~0me',
        '/settings/max_retries',
        '/settings/max_retry',
        '/upstreams/1/url',
        '/upstreams/1/weight',
      ])
      assert.deepEqual(pointers((await call('/api/v1/groups?limit=0&limti=3')).body), ['/limit', '/limti'])
      assert.deepEqual(pointers((await call('/api/v1/groups/0')).body), ['/id'])
    })

    test('what is missing is said to be required, a body too', async () => {
      const { call } = await api()
      const { body } = await call('/api/v1/admin-tokens', { method: 'POST', body: { name: 5 } })
      assert.deepEqual(body.errors, [
        { pointer: '/name', detail: 'Invalid input: expected string, received number' },
        { pointer: '/scopes', detail: 'is required' },
      ])
      const bodiless = await call('/api/v1/groups', { method: 'POST' })
      assert.deepEqual([bodiless.status, bodiless.body.detail], [400, 'There is no body: send JSON.'])
    })

    test('malformed JSON is answered with its place, and never quoted', async () => {
      const { call } = await api()
      const answer = await call('/api/v1/groups', { method: 'POST', raw: '{\n  "key": sk-in-broken-json\n}' })
      assert.deepEqual([answer.status, answer.body.code], [400, 'bad_request'])
      assert.match(answer.body.detail, /line 2, column 10/)
      assert.ok(!answer.text.includes('sk-in-broken-json'))
      const notUtf8 = await call('/api/v1/groups', { method: 'POST', raw: new Uint8Array([0x22, 0xff, 0x22]) })
      assert.equal(notUtf8.status, 400)
      const deep = await call('/api/v1/groups', { method: 'POST', raw: '['.repeat(100_000) })
      assert.equal(deep.status, 400)
    })

    test('bodies that are too large, compressed or not JSON are refused', async () => {
      const { call } = await api()
      const post = (raw: string, headers: Record<string, string> = {}) =>
        call('/api/v1/groups', { method: 'POST', raw, headers })
      assert.equal((await post(`"${'x'.repeat(defaultMaxBodyBytes)}"`)).status, 413)
      assert.equal((await post('{}', { 'content-type': 'text/plain' })).status, 415)
      assert.equal((await post('{}', { 'content-encoding': 'gzip' })).status, 415)
      assert.equal((await post('{}', { 'content-type': 'application/json; charset=latin1' })).status, 415)
      assert.equal((await call('/api/v1/groups', { method: 'POST' })).status, 400)
    })

    test('unknown paths are 404, known ones with another method 405 with Allow', async () => {
      const { call } = await api()
      assert.deepEqual((await call('/api/v1/nothing')).body.code, 'not_found')
      const answer = await call('/api/v1/groups/1', { method: 'PUT' })
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, PATCH, DELETE'])
      assert.equal((await call('/api/v1/groups/%ff')).status, 400)
    })

    test('every answer has a request id, ours or the one that the client chose, and is not to be stored or sniffed', async () => {
      const { call } = await api()
      const own = await call('/api/v1/status')
      assert.match(own.headers.get('x-gptload-request-id') ?? '', /^[0-9a-f-]{36}$/)
      const chosen = await call('/api/v1/nothing', { headers: { 'x-gptload-request-id': 'my-own-id-1' } })
      assert.deepEqual(
        [chosen.headers.get('x-gptload-request-id'), chosen.body.request_id],
        ['my-own-id-1', 'my-own-id-1'],
      )
      assert.equal(own.headers.get('cache-control'), 'no-store')
      assert.equal(own.headers.get('x-content-type-options'), 'nosniff')
      assert.equal(own.headers.get('x-powered-by'), null)
    })

    test('the key is taken from the first place that holds one; a wrong one there is final', async () => {
      const { call } = await api()
      const status = async (headers: Record<string, string>) => (await call('/api/v1/status', { headers })).status
      assert.equal(await status({ authorization: `bearer ${adminKey}` }), 200)
      assert.equal(await status({ authorization: '', 'x-api-key': adminKey }), 200)
      assert.equal(await status({ authorization: 'Basic abc', 'x-goog-api-key': adminKey }), 200)
      assert.equal(await status({ authorization: 'Bearer wrong', 'x-api-key': adminKey }), 401)
      assert.equal((await call(`/api/v1/status?key=${adminKey}`, { headers: { authorization: '' } })).status, 401)
    })

    test('no input of any kind gives a 500 (fuzzed paths, queries, headers and bodies)', async () => {
      const { call, logged } = await api()
      const group = await call('/api/v1/groups', {
        method: 'POST',
        body: { name: 'fuzzed', channel: 'openai', upstreams: [{ url: 'http://127.0.0.1:1' }] },
      })
      await call(`/api/v1/groups/${group.body.id}/keys`, { method: 'POST', body: { keys: ['sk-fuzzed-key-1'] } })
      const id = fc.oneof(
        fc.constantFrom(
          '1',
          String(group.body.id),
          '999999',
          '9007199254740993',
          '2147483648',
          '-1',
          '1e3',
          '%00',
          '%ff',
          "1'--",
          '💥',
        ),
        fc.string().map((text) => encodeURIComponent(text)),
      )
      const field = fc.constantFrom(
        'name',
        'channel',
        'kind',
        'upstreams',
        'members',
        'settings',
        'header_rules',
        'param_overrides',
        'keys',
        'text',
        'note',
        'until',
        'weight',
        'all_groups',
        'group_ids',
        'default_group_id',
        'expires_at',
        'max_retries',
        'sort',
        'model_redirects',
        'test_model',
        'validation_endpoint',
        'enabled',
        'proxy_url',
        'scopes',
        'id',
        '__proto__',
        'constructor',
      )
      const value = fc.oneof(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom(
          1e308,
          -0,
          2 ** 53,
          2 ** 31,
          '\u0000',
          '\ud800',
          '2026-02-30T00:00:00Z',
          '9999-12-31T23:59:59+00:01',
        ),
        fc.constantFrom(
          { __proto__: null, toString: 1 },
          [{ url: 'http://[::1' }],
          [{ url: 'https://ok.example.com' }],
          ['*'],
          [1],
          ['read', 'write'],
          [{ id: 1, sort: 1 }],
        ),
      )
      const body = fc.oneof(fc.dictionary(field, value, { maxKeys: 8 }), fc.array(fc.dictionary(field, value)), value)
      const query = fc.dictionary(
        fc.constantFrom(
          'limit',
          'cursor',
          'state',
          'search',
          'from',
          'to',
          'group_id',
          'status',
          'enabled',
          'kind',
          'request_id',
          'entity',
          'entity_id',
          'actor',
        ),
        fc.oneof(fc.string(), fc.constantFrom('1', 'active', '2026-01-01T00:00:00Z', 'W10', 'WzEsMl0', 'WyJ4Il0')),
        { maxKeys: 3 },
      )
      const headers = fc.record(
        {
          'if-match': fc.constantFrom('*', '"1"', 'W/"1"', '"', ',,,', '"99999999999999999999"'),
          'idempotency-key': fc.constantFrom('a', 'b', 'c', ' ', 'x'.repeat(256)),
        },
        { requiredKeys: [] },
      )
      // Wrong keys of createSession would have everything after them throttled; watchLogs ends when its reader leaves.
      const left = new Set<string>(['testKey', 'deleteGroup', 'createSession', 'watchLogs'])
      const operation = fc.constantFrom(...operationIds.filter((name) => !left.has(name)))
      await fc.assert(
        fc.asyncProperty(
          operation,
          id,
          id,
          query,
          body,
          headers,
          async (name, first, second, parameters, payload, more) => {
            const endpoint: Endpoint = endpoints[name]
            const path = endpoint.path.replace(/\{\w+\}/, first).replace(/\{\w+\}/, second)
            const search = new URLSearchParams(parameters).toString()
            const answer = await call(`${path}?${search}`, {
              method: endpoint.method,
              headers: more,
              ...(endpoint.method === 'GET' ? {} : { body: payload }),
            })
            assert.ok(
              answer.status < 500,
              `${endpoint.method} ${path}?${search} ${JSON.stringify(payload)}: ${answer.text}\n${logged.at(-1)}`,
            )
            if (answer.status >= 400) problemSchema.parse(answer.body)
          },
        ),
        { numRuns: 1_500 },
      )
    })

    test('bytes that are no HTTP, and a body that breaks off, leave the server standing', async () => {
      const { url, call } = await api()
      const port = Number(new URL(url).port)
      for (const bytes of [
        '\x16\x03\x01\x02\x00\x01\x00',
        'GET / HTTP/1.1\r\nHost: x\r\n\x00: y\r\n\r\n',
        `POST /api/v1/groups HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminKey}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a`,
      ]) {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.end(bytes)
        for await (const _ of socket);
      }
      assert.equal((await call('/api/v1/status')).status, 200)
    })
  })

describe('wrong keys', () => {
  test('past ten failures an address must wait, also with the right key; others need not', async () => {
    await using api = await openApi(sqliteConnection(), { trustedProxies: ['127.0.0.1'] })
    const from = (address: string, key: string) =>
      api.call('/api/v1/status', { headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': address } })
    for (let failure = 0; failure < 10; failure += 1) assert.equal((await from('203.0.113.9', 'wrong')).status, 401)
    const throttled = await from('203.0.113.9', adminKey)
    assert.deepEqual([throttled.status, throttled.body.code], [429, 'too_many_requests'])
    assert.ok(Number(throttled.headers.get('retry-after')) > 0)
    assert.equal((await from('203.0.113.10', adminKey)).status, 200)
  })
})
