import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { bearer, chat } from '../support/chat-request.ts'
import { send, type RequestText } from '../support/http-message.ts'
import { accessToken, openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const key = 'sk-first-key-000000001'

/** What the upstream got. */
async function shaped(
  group: Partial<TestGroup>,
  request: RequestText,
  options: { trustedProxies?: readonly string[] } = {},
) {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  const groups = [{ name: 'g', upstreams: [provider.url], keys: [key], ...group }]
  await using plane = await openDataPlane({ groups, ...options })
  provider.everyKey.respond({ status: 200, body: '{}' })
  const answer = await send(plane.port, request)
  const event = await plane.nextEvent()
  const received = provider.requests[0]
  return { answer, event, received, text: received?.body.toString() ?? '' }
}

const odd = '{ "temperature" : 1.50 ,"model":"gpt-\\u0034", "n":1e0,\n"messages":[{"model":"x"}] ,"stream":false}'

function post(body: string | Uint8Array, headers: readonly string[] = []): RequestText {
  return {
    target: '/proxy/g/v1/chat/completions',
    headers: [bearer, 'Content-Type: application/json', ...headers],
    body,
  }
}

suite('bodies', () => {
  test('without rules go out byte for byte', async () => {
    const { text, event } = await shaped({}, post(odd))
    assert.equal(text, odd)
    assert.deepEqual([event.modelRequested, event.modelSent], ['gpt-4', 'gpt-4'])
  })

  test('param overrides replace top-level members in place, others keep order and number text', async () => {
    const { text } = await shaped({ param_overrides: { temperature: 0.2, stream: true, top_p: null } }, post(odd))
    assert.equal(
      text,
      '{ "temperature" : 0.2 ,"model":"gpt-\\u0034", "n":1e0,\n"messages":[{"model":"x"}] ,"stream":true,"top_p":null}',
    )
  })

  test('an override of stream decides what the request is', async () => {
    const { event } = await shaped({ param_overrides: { stream: true } }, post('{"model":"m"}'))
    assert.equal(event.isStream, true)
  })

  test('a redirect changes the model and nothing else, and the log has both', async () => {
    const { text, event } = await shaped({ model_redirects: { 'gpt-4': 'gpt-4.1' } }, post(odd))
    assert.equal(text, odd.replace('"gpt-\\u0034"', '"gpt-4.1"'))
    assert.deepEqual([event.modelRequested, event.modelSent], ['gpt-4', 'gpt-4.1'])
  })

  test('a redirect sees the model of an override', async () => {
    const rules = { param_overrides: { model: 'a' }, model_redirects: { a: 'b', 'gpt-4': 'c' } }
    assert.match((await shaped(rules, post(odd))).text, /"model":"b"/)
  })

  test('a body that is no JSON object passes untouched, whatever the rules', async () => {
    for (const body of ['[{"model":"a"}]', 'plain text', '"text"'])
      assert.equal((await shaped({ param_overrides: { model: 'z' } }, post(body))).text, body)
  })

  test('a compressed body is read and rewritten only where a rule asks for it', async () => {
    const body = gzipSync(odd)
    const untouched = await shaped({}, post(body, ['Content-Encoding: gzip']))
    assert.deepEqual(untouched.received!.body, body)
    assert.equal(untouched.received!.header('content-encoding'), 'gzip')
    assert.equal(gunzipSync(untouched.received!.body).toString(), odd)
    const rewritten = await shaped({ param_overrides: { n: 2 } }, post(body, ['Content-Encoding: gzip']))
    assert.equal(rewritten.text, odd.replace('1e0', '2'))
    assert.equal(rewritten.received!.header('content-encoding'), undefined)
  })

  test('a body over max_body_bytes that a rule may rewrite is 413; without rules it passes', async () => {
    const body = JSON.stringify({ model: 'm', pad: 'x'.repeat(5_000) })
    const settings = { max_body_bytes: 2_048 }
    const refused = await shaped({ settings, param_overrides: { n: 1 } }, post(body))
    assert.equal(refused.answer.status, 413)
    assert.equal(refused.answer.json<{ code: string }>().code, 'PAYLOAD_TOO_LARGE')
    assert.equal(refused.received, undefined)
    const passed = await shaped({ settings }, post(body))
    assert.equal(passed.text, body)
  })

  test('a strict list refuses other models with 404, and lets requests without a model pass', async () => {
    const rules = { model_redirects: { a: 'b' }, model_redirect_strict: true }
    const { answer, received, event } = await shaped(rules, post(odd))
    assert.deepEqual([answer.status, answer.json<{ code: string }>().code], [404, 'MODEL_NOT_ALLOWED'])
    assert.equal(received, undefined)
    assert.deepEqual([event.modelRequested, event.status], ['gpt-4', 404])
    assert.equal((await shaped(rules, post('{"input":"x"}'))).answer.status, 200)
    assert.equal((await shaped(rules, post('{"model":"a"}'))).text, '{"model":"b"}')
  })
})

suite('targets', () => {
  for (const [base, target, expected] of [
    ['', '/v1/chat/completions', '/v1/chat/completions'],
    ['', '/chat/completions', '/v1/chat/completions'],
    ['', '/unknown/path', '/unknown/path'],
    ['/v1', '/v1/chat/completions', '/v1/chat/completions'],
    ['/v1/', '/chat/completions', '/v1/chat/completions'],
    ['/base', '/chat/completions', '/base/chat/completions'],
    ['/base/v1', '/v1/models?a=1', '/base/v1/models?a=1'],
    ['', '/v1//x/%2F%7E/../y?b=%20&a', '/v1//x/%2F%7E/../y?b=%20&a'],
    ['/?api-version=1', '/v1/x?q=2', '/v1/x?q=2&api-version=1'],
    ['/?api-version=1&z=3', '/v1/x?api-version=9', '/v1/x?api-version=9&z=3'],
    ['', '', '/'],
  ] as const)
    test(`upstream "${base}" and "${target}" meet as ${expected}`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      const upstreams = [`${provider.url}${base}`]
      await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams, keys: [key] }] })
      provider.everyKey.respond({ status: 200, body: '{}' })
      await send(plane.port, { method: 'GET', target: `/proxy/g${target}`, headers: [bearer] })
      assert.equal(provider.requests[0]?.target, expected)
    })

  test('without join_v1 nothing is joined', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const group = { name: 'g', upstreams: [`${provider.url}/v1`], keys: [key], settings: { join_v1: false } }
    await using plane = await openDataPlane({ groups: [group] })
    await send(plane.port, { method: 'GET', target: '/proxy/g/v1/models', headers: [bearer] })
    assert.equal(provider.requests[0]?.target, '/v1/v1/models')
  })

  test('the access key is taken out of the query, other parameters keep their bytes and order', async () => {
    const target = `/proxy/g/v1/models?b=%20x&key=${accessToken}&a=1&a=%2B`
    const { received, event } = await shaped({}, { method: 'GET', target })
    assert.equal(received!.target, '/v1/models?b=%20x&a=1&a=%2B')
    assert.equal(event.requestPath, '/proxy/g/v1/models?b=%20x&key=***&a=1&a=%2B')
  })

  test('a Gemini model in the path is redirected there, its method kept', async () => {
    await using provider = await startFakeProvider({ dialect: 'gemini' })
    const group: TestGroup = {
      name: 'g',
      channel: 'gemini',
      upstreams: [provider.url],
      keys: [key],
      model_redirects: { 'gemini-fast': 'gemini-2.5-flash' },
    }
    await using plane = await openDataPlane({ groups: [group] })
    const headers = [`x-goog-api-key: ${accessToken}`, 'Content-Type: application/json']
    const body = '{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
    await send(plane.port, { target: '/proxy/g/v1beta/models/gemini-fast:generateContent', headers, body })
    assert.equal(provider.requests[0]?.target, '/v1beta/models/gemini-2.5-flash:generateContent')
    assert.equal(provider.requests[0]?.body.toString(), body)
    assert.equal(provider.requests[0]?.header('x-goog-api-key'), key)
  })
})

suite('request headers', () => {
  const credentials = [
    ['Authorization', `Bearer ${accessToken}`],
    ['authorization', `bearer ${accessToken}`],
    ['X-Api-Key', accessToken],
    ['X-Goog-Api-Key', accessToken],
    ['Api-Key', accessToken],
  ] as const
  for (const [name, value] of credentials)
    test(`the access key in ${name} never reaches the upstream`, async () => {
      const { received, answer } = await shaped(
        {},
        { method: 'GET', target: '/proxy/g/v1/x', headers: [`${name}: ${value}`] },
      )
      assert.equal(answer.status, 200)
      assert.doesNotMatch(JSON.stringify(received!.rawHeaders), new RegExp(accessToken))
      assert.deepEqual(
        received!.rawHeaders.filter(([n]) => n.toLowerCase() === 'authorization'),
        [['Authorization', `Bearer ${key}`]],
      )
    })

  test('end-to-end headers keep order, case and number; hop-by-hop ones and what Connection names are dropped', async () => {
    const { received } = await shaped(
      {},
      {
        method: 'GET',
        target: '/proxy/g/v1/x',
        headers: [
          bearer,
          'X-B: 2',
          'x-a: 1',
          'X-B: 3',
          'Connection: keep-alive, X-Hop',
          'X-Hop: gone',
          'Keep-Alive: timeout=1',
          'Proxy-Authorization: Basic eA==',
          'TE: trailers',
          'Accept-Encoding: gzip, br',
          'User-Agent: SDK/1',
          'Cookie: a=b',
          'X-Forwarded-For: 1.2.3.4',
          'Forwarded: for=1.2.3.4',
          'Via: 1.1 x',
          'X-Real-IP: 1.2.3.4',
        ],
      },
    )
    const own = ['host', 'connection', 'authorization', 'x-gptload-hops']
    assert.deepEqual(
      received!.rawHeaders.filter(([name]) => !own.includes(name.toLowerCase())),
      [
        ['X-B', '2'],
        ['x-a', '1'],
        ['X-B', '3'],
        ['Accept-Encoding', 'gzip, br'],
        ['User-Agent', 'SDK/1'],
      ],
    )
    assert.equal(received!.header('x-gptload-hops'), '1')
  })

  test('headers that name the client pass with forward_client_headers', async () => {
    const settings = { forward_client_headers: true }
    const headers = [bearer, 'Cookie: a=b', 'X-Forwarded-For: 1.2.3.4']
    const { received } = await shaped({ settings }, { method: 'GET', target: '/proxy/g/v1/x', headers })
    assert.deepEqual([received!.header('cookie'), received!.header('x-forwarded-for')], ['a=b', '1.2.3.4'])
  })

  test('behind a trusted proxy the client is who it forwards for, in rules and in the record', async () => {
    const rules: TestGroup['header_rules'] = [{ key: 'X-Info', value: '${CLIENT_IP}', action: 'set' }]
    const headers = [bearer, 'X-Forwarded-For: 198.51.100.9', 'x-forwarded-for: 203.0.113.7']
    const request = { method: 'GET', target: '/proxy/g/v1/x', headers }
    const behind = await shaped({ header_rules: rules }, request, { trustedProxies: ['127.0.0.0/8'] })
    assert.deepEqual([behind.received!.header('x-info'), behind.event.clientAddress], ['203.0.113.7', '203.0.113.7'])
    const direct = await shaped({ header_rules: rules }, request)
    assert.deepEqual([direct.received!.header('x-info'), direct.event.clientAddress], ['127.0.0.1', '127.0.0.1'])
  })

  test('header rules are applied after channel authentication, each variable once', async () => {
    const rules: TestGroup['header_rules'] = [
      { key: 'authorization', value: 'Token ${API_KEY}', action: 'set' },
      { key: 'X-Info', value: '${CLIENT_IP}|${GROUP_NAME}|${MODEL}|${ACCESS_KEY_NAME}|${UNKNOWN}', action: 'set' },
      { key: 'X-Once', value: '${REQUEST_ID}', action: 'set' },
      { key: 'user-agent', value: '', action: 'remove' },
      { key: 'Host', value: 'other.test', action: 'set' },
      { key: 'Content-Length', value: '3', action: 'set' },
    ]
    const { received, event } = await shaped(
      { header_rules: rules },
      chat('g', { model: '${API_KEY}' }, ['User-Agent: x']),
    )
    assert.deepEqual(
      received!.rawHeaders.filter(([name]) => name.toLowerCase() === 'authorization').map(([, value]) => value),
      [`Token ${key}`],
    )
    assert.equal(received!.header('x-info'), '127.0.0.1|g|${API_KEY}|team-a|${UNKNOWN}')
    assert.equal(received!.header('x-once'), event.requestId)
    assert.equal(received!.header('user-agent'), undefined)
    assert.equal(received!.header('host'), 'other.test')
  })

  test('a loop is cut after five passes', async () => {
    const headers = [bearer, 'x-gptload-hops: 5']
    const { answer, received } = await shaped({}, { method: 'GET', target: '/proxy/g/v1/x', headers })
    assert.deepEqual([answer.status, answer.json<{ code: string }>().code], [508, 'LOOP_DETECTED'])
    assert.equal(received, undefined)
  })
})
