import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createCertificateAuthority } from '../src/servers/certificate-authority.ts'
import { startFakeProvider } from '../src/upstreams/fake-provider.ts'
import type { FakeProvider } from '../src/upstreams/fake-provider.ts'
import { connectRawClient } from '../src/upstreams/raw-client.ts'
import { messageBody } from '../src/upstreams/http-framing.ts'
import { until } from '../src/until.ts'

const CHAT = { model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }] }

function chat(provider: FakeProvider, body: object = {}, init: RequestInit & { key?: string } = {}): Promise<Response> {
  return fetch(`${provider.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${init.key ?? 'sk-1'}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...CHAT, ...body }),
    ...init,
  })
}

/** `{ code, message, type… }` of an answer in any dialect. */
async function errorOf(response: Response): Promise<Record<string, unknown>> {
  const { error } = (await response.json()) as { error: Record<string, unknown> }
  return error
}

test('a limited key gets 429 with every field that names the wait, and is served again at its deadline', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  provider.key('sk-1').limit({ retryAfterS: 0.3 })
  const limited = await chat(provider)
  assert.equal(limited.status, 429)
  assert.equal(limited.headers.get('retry-after'), '1')
  assert.match(limited.headers.get('x-ratelimit-reset-requests') ?? '', /^\d+ms$/)
  assert.equal((await errorOf(limited))['code'], 'rate_limit_exceeded')
  assert.equal((await chat(provider, {}, { key: 'sk-2' })).status, 200)
  const served = async () => (await chat(provider)).status === 200
  await until(served, { what: 'the limit to end', timeoutMs: 2_000 })
})

test('steps of a key follow one another, its own before those for all keys', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  provider.everyKey.overload()
  provider.key('sk-1').revoke({ times: 1 }).outOfQuota({ times: 1 })
  const codes = []
  for (let index = 0; index < 3; index++) codes.push((await errorOf(await chat(provider)))['code'])
  assert.deepEqual(codes, ['invalid_api_key', 'insufficient_quota', null])
  provider.everyKey.recover()
  assert.equal((await chat(provider)).status, 200)
})

test('without a key, or with an unknown one where keys are known, nothing is served', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  assert.equal((await fetch(`${provider.url}/v1/models`)).status, 401)
  provider.refuseUnknownKeys('sk-1')
  assert.equal((await chat(provider)).status, 200)
  assert.equal((await errorOf(await chat(provider, {}, { key: 'sk-2' })))['code'], 'invalid_api_key')
})

const errors = [
  ['openai', '/v1/models', 'authorization', 'Bearer k', 401, 429, 'insufficient_quota'],
  ['azure-openai', '/openai/models?api-version=1', 'api-key', 'k', 401, 429, 'insufficient_quota'],
  ['anthropic', '/v1/models', 'x-api-key', 'k', 401, 400, 'invalid_request_error'],
  ['gemini', '/v1beta/models', 'x-goog-api-key', 'k', 400, 429, 'RESOURCE_EXHAUSTED'],
] as const

for (const [dialect, path, header, value, revoked, exhausted, word] of errors) {
  test(`${dialect} finds the key in ${header} and refuses it in its own words`, async () => {
    await using provider = await startFakeProvider({ dialect })
    const headers = { [header]: value, 'anthropic-version': '2023-06-01' }
    const ask = () => fetch(provider.url + path, { headers })
    assert.equal((await ask()).status, 200)
    assert.equal(provider.countersOf('k').succeeded, 1)
    provider.key('k').revoke({ times: 1 }).outOfQuota({ times: 1 })
    assert.equal((await ask()).status, revoked)
    const quota = await ask()
    assert.equal(quota.status, exhausted)
    assert.match(await quota.text(), new RegExp(word))
  })
}

test('Gemini names the wait in RetryInfo, Anthropic in a reset time, both not before the deadline', async () => {
  const startedAt = Date.now()
  await using gemini = await startFakeProvider({ dialect: 'gemini' })
  gemini.everyKey.limit({ retryAfterS: 20 })
  const answer = await errorOf(await fetch(`${gemini.url}/v1beta/models?key=k`))
  const details = answer['details'] as { '@type': string; retryDelay?: string }[]
  const delay = details.find((detail) => detail['@type'].endsWith('RetryInfo'))?.retryDelay ?? ''
  assert.ok(Number.parseFloat(delay) > 15 && Number.parseFloat(delay) <= 20)
  await using anthropic = await startFakeProvider({ dialect: 'anthropic' })
  anthropic.everyKey.limit({ retryAfterS: 20 })
  const limited = await fetch(`${anthropic.url}/v1/models`, { headers: { 'x-api-key': 'k' } })
  const reset = Date.parse(limited.headers.get('anthropic-ratelimit-requests-reset') ?? '')
  assert.ok(reset >= startedAt + 20_000 && reset < startedAt + 25_000)
})

test('streams are framed as each provider frames them', async () => {
  await using openai = await startFakeProvider({ dialect: 'openai' })
  const text = await (await chat(openai, { stream: true, stream_options: { include_usage: true } })).text()
  const events = text.split('\n\n')
  assert.deepEqual(events.slice(-2), ['data: [DONE]', ''])
  assert.equal(JSON.parse(events.at(-3)?.slice(6) ?? '').usage.total_tokens, 46)
  await using gemini = await startFakeProvider({ dialect: 'gemini' })
  gemini.stream.chunks = 3
  const generate = (query: string) =>
    fetch(`${gemini.url}/v1beta/models/m:streamGenerateContent?key=k${query}`, {
      method: 'POST',
      body: JSON.stringify({ contents: [{ parts: [{ text: 'x' }] }] }),
    })
  const sse = await (await generate('&alt=sse')).text()
  assert.equal(sse.match(/^data: \{.*\}\r\n\r\n/gm)?.length, 3)
  assert.equal(((await (await generate('')).json()) as unknown[]).length, 3)
})

test('Anthropic counts cached tokens beside the input, and its stream adds up to the whole message', async () => {
  await using provider = await startFakeProvider({ dialect: 'anthropic' })
  provider.reply({ text: 'añb', usage: { promptTokens: 10, cachedTokens: 4, completionTokens: 6 } })
  const ask = (body: object) =>
    fetch(`${provider.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...CHAT, max_tokens: 9, ...body }),
    })
  const whole = (await (await ask({})).json()) as { usage: Record<string, number> }
  assert.deepEqual([whole.usage['input_tokens'], whole.usage['cache_read_input_tokens']], [6, 4])
  const text = await (await ask({ stream: true })).text()
  const payloads = [...text.matchAll(/^event: (\w+)\ndata: (.+)$/gm)].map(([, type, data]) => ({
    type,
    data: JSON.parse(data ?? ''),
  }))
  assert.ok(payloads.every(({ type, data }) => type === data.type))
  const deltas = payloads.filter(({ type }) => type === 'content_block_delta').map(({ data }) => data.delta.text)
  assert.equal(deltas.join(''), 'añb')
  assert.equal(payloads.at(-1)?.type, 'message_stop')
})

test('a stored response exists for the key that made it only', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai-response' })
  const headers = { authorization: 'Bearer sk-1', 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'gpt-4.1', input: 'hi' })
  const { id } = (await (await fetch(`${provider.url}/v1/responses`, { method: 'POST', headers, body })).json()) as {
    id: string
  }
  assert.equal((await fetch(`${provider.url}/v1/responses/${id}`, { headers })).status, 200)
  const other = { authorization: 'Bearer sk-2' }
  assert.equal((await fetch(`${provider.url}/v1/responses/${id}`, { headers: other })).status, 404)
})

test('a client that goes away is recorded with the moment, and is no failure of the key', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  provider.stream.intervalMs = 20
  const abort = new AbortController()
  const response = await chat(provider, { stream: true }, { signal: abort.signal })
  await response.body?.getReader().read()
  const abortedAt = performance.now()
  abort.abort()
  const request = await provider.waitForAbort()
  assert.ok(request.isAborted && request.abortedAt !== undefined && request.abortedAt >= abortedAt)
  assert.deepEqual([provider.total.aborted, provider.total.succeeded, provider.total.failed], [1, 0, 0])
  provider.everyKey.fault({ kind: 'hang' })
  const hanging = chat(provider, {}, { signal: AbortSignal.timeout(50) })
  await assert.rejects(hanging)
  await provider.waitForAbort()
})

test('each fault breaks the answer where it should', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  const ask = async () => {
    const client = await connectRawClient(provider)
    const body = JSON.stringify({ ...CHAT, stream: true })
    await client.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    return client
  }
  provider.everyKey.fault({ kind: 'close' }, { times: 1 })
  using closed = await ask()
  assert.equal((await closed.readUntilClose()).length, 0)

  provider.everyKey.fault({ kind: 'reset' }, { times: 1 })
  using reset = await ask()
  assert.equal(await reset.closed, 'reset')
  assert.equal(reset.receivedBytes, 0)

  provider.everyKey.fault({ kind: 'reset', afterChunks: 2 }, { times: 1 })
  using resetLater = await ask()
  const beforeReset = await resetLater.readUntilClose()
  assert.equal(beforeReset.toString().match(/^data: /gm)?.length, 2)
  assert.equal(await resetLater.closed, 'reset')

  provider.everyKey.fault({ kind: 'truncate', afterChunks: 3 }, { times: 1 })
  using truncated = await ask()
  const bytes = await truncated.readUntilClose()
  assert.equal(
    messageBody(bytes)
      .toString()
      .match(/^data: /gm)?.length,
    3,
  )
  assert.ok(!bytes.toString().endsWith('0\r\n\r\n'))

  provider.everyKey.fault({ kind: 'wrong-content-length', extraBytes: 7 }, { times: 1 })
  using short = await ask()
  const promised = await short.readUntilClose()
  const length = Number(/content-length: (\d+)/i.exec(promised.toString())?.[1])
  assert.equal(length, messageBody(promised).length + 7)

  provider.everyKey.fault({ kind: 'stream-error', error: 'overloaded', afterChunks: 1 }, { times: 1 })
  using failed = await ask()
  const events = messageBody(await failed.readResponse())
    .toString()
    .split('\n\n')
  assert.match(events[1] ?? '', /^data: \{"error":\{.*overloaded/)
  assert.equal(provider.total.broken, 5)
})

test('a body in one piece breaks in the middle, its head and length sent', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  for (const [fault, end] of [
    [{ kind: 'truncate', afterChunks: 2 }, 'fin'],
    [{ kind: 'reset', afterChunks: 1 }, 'reset'],
  ] as const) {
    provider.everyKey.fault(fault, { times: 1 })
    using client = await connectRawClient(provider)
    await client.write('GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n')
    const bytes = await client.readUntilClose()
    const length = Number(/content-length: (\d+)/i.exec(bytes.toString())?.[1])
    const came = messageBody(bytes).length
    assert.ok(came > 0 && came < length, `${came} of ${length}`)
    client.end()
    assert.equal(await client.closed, end)
  }
})

test('answers without a body end with their head', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  provider.everyKey.respond({ status: 204 })
  using client = await connectRawClient(provider)
  await client.write('GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n')
  const answer = await client.readResponse()
  assert.match(answer.toString(), /^HTTP\/1.1 204 [^]*\r\n\r\n$/)
  assert.doesNotMatch(answer.toString(), /content-length/i)
})

test('exact bytes are replayed in the pieces that were asked for', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
  provider.replay(bytes, {
    status: 207,
    headers: [
      ['X-A', '1'],
      ['X-A', '2'],
    ],
    chunkSizes: [1, 100],
  })
  using client = await connectRawClient(provider)
  await client.write('GET /anything HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n')
  const answer = await client.readResponse()
  assert.match(answer.toString('latin1'), /^HTTP\/1.1 207 .*X-A: 1\r\nX-A: 2\r\n.*\r\n\r\n1\r\n\0\r\n64\r\n/s)
  assert.ok(messageBody(answer).equals(bytes))
})

test('a request is recorded as it came: target, header case and order, every body byte hashed', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai', maxBodyBytes: 10 })
  const body = Buffer.alloc(100_000, 'x')
  using client = await connectRawClient(provider)
  await client.write(
    'POST //v1/a%2Fb/?q=1&q=2 HTTP/1.1\r\nHost: x\r\nauthorization: Bearer k\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nContent-Length: 100000\r\n\r\n',
  )
  await client.write(body)
  const request = await provider.nextRequest()
  assert.equal(request.target, '//v1/a%2Fb/?q=1&q=2')
  assert.deepEqual(request.rawHeaders.slice(2, 5), [
    ['X-B', '1'],
    ['x-a', '2'],
    ['X-B', '3'],
  ])
  assert.deepEqual([request.body.length, request.bodyBytes, request.key], [10, 100_000, 'k'])
  assert.equal(request.bodySha256, createHash('sha256').update(body).digest('hex'))
  assert.equal((await client.readResponse()).toString().slice(0, 12), 'HTTP/1.1 404')
})

test('counters go on when nothing is recorded', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai', maxRecordedRequests: 0 })
  await Promise.all(Array.from({ length: 20 }, async () => (await chat(provider)).text()))
  assert.equal(provider.requests.length, 0)
  const counters = provider.countersOf('sk-1')
  assert.deepEqual([counters.requests, counters.succeeded, counters.completionTokens], [20, 20, 20 * 34])
})

test('compression is by event and only for who accepts it', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai', coding: 'gzip' })
  const compressed = await chat(provider, { stream: true })
  assert.equal(compressed.headers.get('content-encoding'), 'gzip')
  assert.match(await compressed.text(), /\[DONE\]\n\n$/)
  const headers = { authorization: 'Bearer k', 'accept-encoding': 'identity' }
  assert.equal((await fetch(`${provider.url}/v1/models`, { headers })).headers.get('content-encoding'), null)
})

test('TLS is accepted with the CA and refused without', async () => {
  using authority = await createCertificateAuthority()
  await using provider = await startFakeProvider({ dialect: 'openai', tls: await authority.issue() })
  await assert.rejects(connectRawClient({ port: provider.port, tls: {} }), /certificate/)
  using client = await connectRawClient({ port: provider.port, tls: { ca: authority.caPem } })
  await client.write('GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n')
  assert.match((await client.readResponse()).toString(), /^HTTP\/1.1 200/)
  assert.equal((await provider.nextRequest()).connection, 1)
})

test('limits of a key are told in every answer, kept, and over when the window ends', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  provider.limitKey('sk-1', { requests: 2, tokens: 1_000, windowMs: 300 })
  const ask = async () => {
    const answer = await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-1', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
    })
    await answer.arrayBuffer()
    return [answer.status, answer.headers.get('x-ratelimit-remaining-requests')]
  }
  assert.deepEqual(
    [await ask(), await ask(), await ask()],
    [
      [200, '1'],
      [200, '0'],
      [429, '0'],
    ],
  )
  await until(async () => (await ask())[0] === 200, { what: 'the next window' })
})
