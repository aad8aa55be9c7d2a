import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = ['sk-first-key-000000001', 'sk-second-key-00000002']
type ErrorBody = { code: string; message: string; error: { message: string; type: string; code: string | null } }

function group(provider: Pick<FakeProvider, 'url'>, settings: TestGroup['settings'] = {}): TestGroup {
  return { name: 'g', upstreams: [provider.url], keys, settings }
}

suite('final answer', () => {
  test("the last upstream's answer goes out byte for byte, its headers too", async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    const body = '{"error": {"message" : "it burns",\n"type":"server_error"}}'
    provider.everyKey.respond({
      status: 503,
      headers: [
        ['Content-Type', 'application/json'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Thing', 'x'],
      ],
      body,
    })
    const answer = await send(plane.port, chat('g'))
    assert.deepEqual([answer.status, answer.body], [503, body])
    assert.deepEqual([answer.all('set-cookie'), answer.header('x-thing')], [['a=1', 'b=2'], 'x'])
    assert.equal(answer.header('content-length'), String(body.length))
    const event = await plane.nextEvent()
    assert.deepEqual([event.status, event.errorClass, event.endReason], [503, 'upstream', 'complete'])
    assert.equal(event.attempts.length, 4)
  })

  test('a circle that the upstream has found is not tried again', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { failover_status_codes: '400-599' })] })
    provider.everyKey.respond({ status: 508, body: '{"error":{"code":"LOOP_DETECTED"}}' })
    assert.equal((await send(plane.port, chat('g'))).status, 508)
    assert.equal((await plane.nextEvent()).attempts.length, 1)
  })

  test('an error longer than what is judged streams on to its last byte', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { max_retries: 0 })] })
    const body = Buffer.alloc(3_000_000, 'abcdefg')
    provider.everyKey.respond({ status: 500, body })
    const answer = await send(plane.port, chat('g'))
    assert.equal(answer.status, 500)
    assert.ok(answer.body === body.toString())
  })

  test('a compressed one too, while what came first is decoded and judged', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { max_retries: 0 })] })
    const body = gzipSync(randomBytes(1_500_000))
    provider.everyKey.respond({ status: 500, headers: { 'content-encoding': 'gzip' }, body })
    const answer = await send(plane.port, chat('g'))
    assert.equal(answer.header('content-encoding'), 'gzip')
    assert.ok(answer.body === body.toString('latin1'))
    assert.equal((await plane.nextEvent()).bytesOut, body.length)
  })

  test('a 429 tells when the pool has a key again, in both forms', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    provider.key(keys[0]!).limit({ retryAfterS: 20 })
    provider.key(keys[1]!).limit({ retryAfterS: 90 })
    const answer = await send(plane.port, chat('g'))
    assert.equal(answer.status, 429)
    assert.match(answer.header('retry-after')!, /^(19|20|21|22)$/)
    assert.equal(answer.all('retry-after').length, 1)
    const event = await plane.nextEvent()
    assert.deepEqual([event.errorClass, event.attempts.length], ['rate_limit', 2])
  })

  test('a group whose keys are all limited answers 429 with Retry-After, without asking anyone', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    provider.everyKey.limit({ retryAfterS: 60 })
    await send(plane.port, chat('g'))
    const answer = await send(plane.port, chat('g'))
    assert.deepEqual([answer.status, answer.json<ErrorBody>().code], [429, 'KEYS_RATE_LIMITED'])
    assert.ok(Number(answer.header('retry-after')) > 50)
    assert.equal(provider.requests.length, 2)
  })

  test('a group without keys answers 503', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ ...group(provider), keys: [] }] })
    const answer = await send(plane.port, chat('g'))
    assert.deepEqual([answer.status, answer.json<ErrorBody>().code], [503, 'NO_KEYS_AVAILABLE'])
    assert.equal(answer.header('retry-after'), undefined)
  })

  test('refused keys are our 502, never a 401: the key of the caller is fine', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    provider.everyKey.revoke()
    const answer = await send(plane.port, chat('g'))
    const { code, error, message } = answer.json<ErrorBody>()
    assert.deepEqual([answer.status, code, error.message], [502, 'UPSTREAM_KEYS_REJECTED', message])
    assert.equal(answer.header('x-request-id'), answer.header('x-gptload-request-id'))
    const event = await plane.nextEvent()
    assert.deepEqual([event.errorClass, event.status, event.endReason], ['key_auth', 502, 'proxy_error'])
    assert.deepEqual([plane.stateOf(1), plane.stateOf(2)], ['suspect', 'suspect'])
    assert.equal(plane.outcomes.length, 2)
  })

  test('an upstream that spoke is heard, though the last attempt met a refused key', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    provider.key(keys[0]!).limit({ retryAfterS: 30 })
    provider.key(keys[1]!).revoke()
    const answer = await send(plane.port, chat('g'))
    assert.equal(answer.status, 429)
  })

  test('an upstream that cannot be reached is 502, and no URL or address is told', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    await using plane = await openDataPlane({ groups: [group({ url }, { max_retries: 0 })] })
    const answer = await send(plane.port, chat('g'))
    assert.deepEqual([answer.status, answer.json<ErrorBody>().code], [502, 'BAD_GATEWAY'])
    assert.doesNotMatch(answer.bytes.toString(), /127\.0\.0\.1|http:/)
    const event = await plane.nextEvent()
    assert.deepEqual([event.errorClass, event.errorCode, event.status], ['network', 'refused', 502])
    assert.equal(event.attempts[0]!.upstream, url)
  })

  for (const [stage, settings, fault] of [
    ['response_header', { response_header_timeout: 1, first_byte_timeout_ms: 5_000 }, { kind: 'hang' }],
    ['first_byte', { first_byte_timeout_ms: 60 }, { kind: 'hang' }],
    ['total', { request_timeout: 1 }, { kind: 'hang' }],
  ] as const)
    test(`a timeout is 504 and names its stage: ${stage}`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      await using plane = await openDataPlane({ groups: [group(provider, { max_retries: 0, ...settings })] })
      provider.everyKey.fault(fault)
      const answer = await send(plane.port, chat('g'))
      const { code, message } = answer.json<ErrorBody>()
      assert.deepEqual([answer.status, code], [504, 'UPSTREAM_TIMEOUT'])
      assert.match(message, new RegExp(`\\(${stage}\\)$`))
      const event = await plane.nextEvent()
      assert.deepEqual([event.endReason, event.errorCode], ['timeout', `timeout_${stage}`])
      await provider.waitForAbort()
    })

  test('a head without a body is a first_byte timeout that breaks the answer off', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({
      groups: [group(upstream, { max_retries: 0, first_byte_timeout_ms: 80 })],
    })
    const sent = send(plane.port, chat('g'))
    const { answer, connection } = await upstream.expectRequest()
    await answer('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
    await assert.rejects(sent.then((message) => assert.equal(message.body.length, 5)))
    const event = await plane.nextEvent()
    assert.deepEqual([event.endReason, event.errorCode, event.status], ['timeout', 'timeout_first_byte', 200])
    connection.end()
    await connection.closed
  })

  test('a stream that falls silent is broken off after stream_idle_timeout_ms', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { stream_idle_timeout_ms: 80 })] })
    provider.everyKey.fault({ kind: 'hang', afterChunks: 2 })
    const answer = await send(plane.port, chat('g', { stream: true }))
    assert.equal(answer.status, 200)
    assert.doesNotMatch(answer.bytes.toString(), /\r\n0\r\n\r\n$/)
    const event = await plane.nextEvent()
    assert.deepEqual([event.endReason, event.errorCode], ['timeout', 'timeout_stream_idle'])
    await provider.waitForAbort()
  })

  test('the key that was used is masked in headers and body, plain and compressed', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const key = keys[0]!
    await using plane = await openDataPlane({ groups: [{ ...group(provider, { max_retries: 0 }), keys: [key] }] })
    const body = Buffer.from(`{"error":{"message":"no ${key} here, ${key}"}}`)
    for (const encoding of ['', 'gzip']) {
      const headers = { 'content-type': 'application/json', 'x-key': `is ${key}` }
      provider.everyKey.respond(
        encoding === ''
          ? { status: 500, headers, body }
          : { status: 500, headers: { ...headers, 'content-encoding': encoding }, body: gzipSync(body) },
        { times: 1 },
      )
      const answer = await send(plane.port, chat('g'))
      assert.doesNotMatch(answer.bytes.toString('latin1'), new RegExp(key))
      assert.equal(answer.header('x-key')!.length, 3 + key.length)
      assert.equal(answer.body.length, body.length)
      assert.match(answer.json<ErrorBody>().error.message, /^no sk-\*+001 here/)
      assert.equal(answer.header('content-encoding'), undefined)
      const event = await plane.nextEvent()
      assert.doesNotMatch(JSON.stringify(event), new RegExp(key))
    }
  })
})
