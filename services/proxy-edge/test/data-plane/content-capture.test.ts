import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { resolveSettings, type Settings } from '@gpt-load/contracts/settings'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import {
  ContentCaptures,
  redactionMarginBytes,
  type CapturedBody,
} from '../../src/data-plane/observe/content-capture.ts'
import { createCounterBuffer, RequestCounters } from '../../src/data-plane/observe/counters.ts'
import { chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { accessToken, openDataPlane, type DataPlane } from '../support/open-data-plane.ts'

const key = 'sk-first-key-000000001'

function open(provider: FakeProvider, settings: Partial<Settings>): Promise<DataPlane> {
  return openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys: [key], settings }] })
}

const both = { enable_request_body_logging: true, enable_response_body_logging: true }
const textOf = (body: CapturedBody | null | undefined) => (body ? Buffer.from(body.bytes).toString('latin1') : null)

suite('bodies for the content log', () => {
  test('are captured of groups that record them, each side for itself, and of nobody else', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const sides: [Partial<Settings>, boolean, boolean][] = [
      [{}, false, false],
      [{ enable_request_body_logging: true }, true, false],
      [{ enable_response_body_logging: true }, false, true],
      [both, true, true],
    ]
    for (const [settings, hasRequest, hasResponse] of sides) {
      await using plane = await open(provider, settings)
      const request = chat('g', { marker: 'sent' })
      const answer = await send(plane.port, request)
      await plane.nextEvent()
      assert.equal(plane.contents.length, hasRequest || hasResponse ? 1 : 0)
      const [content] = plane.contents
      assert.equal(textOf(content?.request), hasRequest ? request.body : null)
      assert.equal(textOf(content?.response), hasResponse ? answer.body : null)
    }
  })

  test('name the request, its type, and the secrets that must not stay in them', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open(provider, both)
    await send(plane.port, chat('g'))
    const event = await plane.nextEvent()
    const [content] = plane.contents
    assert.equal(content?.requestId, event.requestId)
    assert.equal(content?.groupId, event.groupId)
    assert.deepEqual(content?.secrets, [key, accessToken])
    assert.equal(content?.request?.contentType, 'application/json')
    assert.match(content?.response?.contentType ?? '', /json/)
  })

  test('hold a stream as it went out, in pieces that nobody has overwritten', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open(provider, both)
    const answer = await send(plane.port, chat('g', { stream: true }))
    await plane.nextEvent()
    assert.equal(textOf(plane.contents[0]?.response), answer.body)
    assert.match(answer.body, /data: \[DONE\]/)
  })

  test('end at the bound, and say so', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open(provider, { ...both, content_log_max_bytes: 1_024 })
    await send(plane.port, chat('g', { padding: 'x'.repeat(5_000) }))
    await plane.nextEvent()
    const [content] = plane.contents
    assert.deepEqual([content?.request?.bytes.length, content?.request?.isCut], [1_024 + redactionMarginBytes, true])
    assert.equal(content?.response?.isCut, false)
  })

  test('are those of an answer that failed, and of the last attempt only', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open(provider, both)
    provider.everyKey.respond(
      { status: 400, headers: { 'content-type': 'application/json' }, body: '{"error":{"message":"no such model"}}' },
      { times: 1 },
    )
    await send(plane.port, chat('g'))
    await plane.nextEvent()
    assert.match(textOf(plane.contents[0]?.response) ?? '', /no such model/)
  })

  test('are not of callers that are refused, nor of requests that leave no row', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open(provider, { ...both, request_log_sample_percent: 0 })
    await send(plane.port, { ...chat('g'), headers: ['Authorization: Bearer wrong', 'Content-Type: application/json'] })
    await plane.nextEvent()
    await send(plane.port, chat('g'))
    await plane.nextEvent()
    assert.deepEqual(plane.contents, [])
  })

  test('are copies: what comes in later may lie in the same memory', async () => {
    const posted: (string | null)[] = []
    const captures = new ContentCaptures(
      new RequestCounters(createCounterBuffer()),
      ({ request }) => void posted.push(textOf(request)),
    )
    const capture = captures.begin(resolveSettings(both))!
    const memory = Buffer.from('first')
    capture.request?.add(memory)
    memory.fill('other')
    capture.request?.add(memory)
    captures.end(capture, { requestId: 'r', receivedAtMs: 1, groupId: 1, secrets: [] }, true)
    assert.deepEqual(posted, ['firstother'])
  })

  test('of a worker are bounded together; what does not fit is left out and counted, and later ones fit again', async () => {
    const counters = new RequestCounters(createCounterBuffer())
    const posted: number[] = []
    const captures = new ContentCaptures(counters, ({ request }) => void posted.push(request?.bytes.length ?? 0))
    const settings = resolveSettings(both, { content_log_max_bytes: 262_144 })
    const of = { requestId: 'r', receivedAtMs: 1, groupId: 1, secrets: [] }
    const chunk = new Uint8Array(262_144)
    const opened = Array.from({ length: 300 }, () => captures.begin(settings)!)
    for (const { request } of opened) request?.add(chunk)
    assert.equal(counters.get('content_refused'), 300 - 256)
    for (const capture of opened) captures.end(capture, of, true)
    assert.equal(posted.length, 256)
    const later = captures.begin(settings)!
    later.request?.add(chunk)
    captures.end(later, of, true)
    assert.equal(posted.length, 257)
  })
})
