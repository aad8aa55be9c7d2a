import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { startRawUpstream, type RawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { chat } from '../support/chat-request.ts'
import { requestBytes } from '../support/http-message.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = ['sk-first-key-000000001', 'sk-second-key-00000002']
const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n'
const good = 'data: {"choices":[{"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n'

async function open(upstream: RawUpstream, group: Partial<TestGroup> = {}) {
  const plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys, ...group }] })
  const client = await connectRawClient({ port: plane.port })
  await client.write(requestBytes(chat('g', { stream: true })))
  return {
    plane,
    client,
    /** The rest of the answer, without its chunk frames. */
    async rest(): Promise<string> {
      const text = (await client.readUntil('0\r\n\r\n')).toString()
      return text.replaceAll(/\r\n[0-9a-f]+\r\n/g, '').replace(/0\r\n\r\n$/, '')
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await plane[Symbol.asyncDispose]()
    },
  }
}

/** Answers one attempt and ends the connection. */
async function answer(upstream: RawUpstream, text: string): Promise<void> {
  const { answer: write, connection } = await upstream.expectRequest()
  await write(text)
  connection.end()
}

suite('an error in the first event of a 200 stream', () => {
  for (const [what, channel, event, state] of [
    [
      'overload of Anthropic',
      'anthropic',
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
      'active',
    ],
    [
      'rate limit of OpenAI',
      'openai',
      'data: {"error":{"message":"slow","type":"requests","code":"rate_limit_exceeded"}}\n\n',
      'cooling',
    ],
    [
      'quota of OpenAI',
      'openai',
      'data: {"error":{"message":"no money","type":"insufficient_quota","code":"insufficient_quota"}}\n\n',
      'exhausted',
    ],
    [
      'failed response behind its bookkeeping',
      'openai-response',
      'event: response.created\ndata: {"type":"response.created"}\n\nevent: response.failed\ndata: {"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"slow"}}}\n\n',
      'cooling',
    ],
    [
      'error behind the empty choices of Azure',
      'azure-openai',
      'data: {"choices":[],"prompt_filter_results":[]}\n\ndata: {"error":{"code":"429","message":"slow"}}\n\n',
      'cooling',
    ],
    [
      'error object of Gemini',
      'gemini',
      'data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\r\n\r\n',
      'active',
    ],
  ] as const)
    test(`${what} fails over, unseen by the caller`, async () => {
      await using upstream = await startRawUpstream()
      await using system = await open(upstream, { channel })
      await answer(upstream, head + event)
      await answer(upstream, head + good)
      const text = await system.rest()
      assert.ok(text.includes(good), text)
      assert.doesNotMatch(text, /error|created|prompt_filter/)
      const record = await system.plane.nextEvent()
      assert.deepEqual([record.status, record.attempts.length, record.attempts[0]?.status], [200, 2, 200])
      assert.equal(system.plane.stateOf(record.attempts[0]!.keyId), state)
    })

  test('reaches the caller as it came when nothing else is left', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream, { keys: keys.slice(0, 1), settings: { max_retries: 0 } })
    const event = 'data: {"error":{"message":"slow","code":"rate_limit_exceeded"}}\n\n'
    await answer(upstream, `${head}${event}data: and more\n\n`)
    const text = await system.rest()
    assert.match(text, /^HTTP\/1\.1 200 OK/)
    assert.ok(text.includes(event) && text.includes('data: and more'), text)
  })

  test("is the caller's own: passed on, no key pays", async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    const event =
      'data: {"error":{"message":"bad","type":"invalid_request_error","code":"context_length_exceeded"}}\n\n'
    await answer(upstream, head + event)
    assert.ok((await system.rest()).includes(event))
    assert.deepEqual([system.plane.stateOf(1), system.plane.stateOf(2)], ['active', 'active'])
  })

  test('after a real event is never taken back', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    const error = 'data: {"error":{"code":"rate_limit_exceeded","message":"slow"}}\n\n'
    await answer(upstream, `${head}data: {"choices":[{"delta":{"content":"a"}}]}\n\n${error}`)
    assert.ok((await system.rest()).includes(error))
    assert.equal((await system.plane.nextEvent()).attempts.length, 1)
  })

  test('is looked for within the bounds only: bytes, time, and not when it is off', async () => {
    for (const settings of [{ preamble_hold_bytes: 8 }, { preamble_hold_ms: 20 }, { preamble_hold_bytes: 0 }]) {
      await using upstream = await startRawUpstream()
      await using system = await open(upstream, { settings })
      const { answer: write, connection } = await upstream.expectRequest()
      await write(head)
      await connection.write('data: {"choices"')
      assert.match((await system.client.readUntil('\r\n\r\n')).toString(), /^HTTP\/1\.1 200 OK/)
      await connection.write(':[]}\n\n')
      await system.client.readUntil(':[]}\n\n')
    }
  })

  test('a connection that breaks before the first event is tried again', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    const first = await upstream.expectRequest()
    await first.answer('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n')
    first.connection.reset()
    await answer(upstream, head + good)
    assert.ok((await system.rest()).includes(good))
  })
})

suite('a stream that breaks in the middle', () => {
  const begun = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

  for (const [channel, expected] of [
    ['openai', /data: \{"error":\{"message":"The upstream/],
    ['anthropic', /event: error\ndata: \{"type":"error"/],
    ['gemini', /data: \{"error":\{"code":502/],
  ] as const)
    test(`ends with an error event of ${channel} where the group wants one, never with a false [DONE]`, async () => {
      await using upstream = await startRawUpstream()
      await using system = await open(upstream, { channel, settings: { stream_error_event: true } })
      const { answer: write, connection } = await upstream.expectRequest()
      await write(begun + chunk('data: {"choices":[{"delta":{}}]}\n\ndata: {"cut'))
      await system.client.readUntil('{"cut')
      connection.reset()
      const rest = (await system.client.readUntil('0\r\n\r\n')).toString()
      assert.match(rest, expected)
      assert.doesNotMatch(rest, /\[DONE\]/)
      const record = await system.plane.nextEvent()
      assert.deepEqual([record.endReason, record.errorClass], ['upstream_abort', 'network'])
    })

  test('breaks visibly where the group does not', async () => {
    await using upstream = await startRawUpstream()
    await using system = await open(upstream)
    const { answer: write, connection } = await upstream.expectRequest()
    await write(begun + chunk('data: {"choices":[{"delta":{}}]}\n\n'))
    await system.client.readUntil('\n\n')
    connection.reset()
    const rest = await system.client.readUntilClose().catch((error: Error) => Buffer.from(error.message))
    assert.doesNotMatch(rest.toString(), /0\r\n\r\n/)
  })
})

suite('a silent stream', () => {
  for (const [channel, event] of [
    ['openai', ': keepalive\n\n'],
    ['anthropic', 'event: ping\ndata: {"type": "ping"}\n\n'],
  ] as const)
    test(`is kept alive for ${channel} between two events, where the group wants it`, async () => {
      await using upstream = await startRawUpstream()
      await using system = await open(upstream, { channel, settings: { stream_keepalive_ms: 30 } })
      const { answer: write, connection } = await upstream.expectRequest()
      await write(`${head}data: {"type":"message_start","choices":[{}]}\n\n`)
      await system.client.readUntil(event)
      await connection.write('data: half')
      await system.client.readUntil('data: half')
      await connection.write(' an event\n\n')
      // Nothing of ours came into the event.
      await system.client.readUntil(' an event\n\n')
      connection.end()
      await system.rest()
    })
})
