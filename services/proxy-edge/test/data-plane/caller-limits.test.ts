import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { until } from '@gpt-load/testkit/until'
import { bearer, chat } from '../support/chat-request.ts'
import { requestBytes, send } from '../support/http-message.ts'
import { hashOf, openDataPlane } from '../support/open-data-plane.ts'

const keys = ['sk-first-key-000000001']
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
type ErrorBody = { code: string; message: string }

const other = { token: 'team-b-access-key-0002', record: { id: 2, name: 'team-b', hash: '' } }
other.record.hash = hashOf(other.token)
const asOther = { ...chat('g'), headers: [`Authorization: Bearer ${other.token}`, 'Content-Type: application/json'] }

suite('limits of an access key', () => {
  test('requests per minute: then 429 in the dialect, with the limit and when to come back; no key or upstream hears of it', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({
      groups: [{ name: 'g', upstreams: [provider.url], keys }],
      accessKeys: [{ max_requests_per_minute: 3 }, other.record],
    })
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    const refused = await send(plane.port, chat('g'))
    assert.equal(refused.status, 429)
    const { code, message } = JSON.parse(refused.body.toString()) as ErrorBody
    assert.equal(code, 'RATE_LIMITED')
    assert.match(message, /\(max_requests_per_minute of the access key: 3\)$/)
    const retryAfter = Number(refused.header('retry-after'))
    assert.ok(retryAfter >= 1 && retryAfter <= 120, `${retryAfter}`)
    assert.deepEqual(
      ['limit', 'remaining', 'reset'].map((what) => refused.header(`x-ratelimit-${what}-requests`)),
      ['3', '0', `${retryAfter}s`],
    )
    assert.equal(provider.total.requests, 3)
    assert.equal((await send(plane.port, asOther)).status, 200, 'another access key of the group')
    const record = plane.events.find(({ status }) => status === 429)
    assert.deepEqual([record?.errorCode, record?.accessKeyId, record?.attempts.length], ['RATE_LIMITED', 1, 0])
    assert.equal(plane.services.counters.get('caller_limited'), 1)
    assert.equal(plane.outcomes.length, 0)
  })

  test('Anthropic’s callers get their own words', async () => {
    await using provider = await startFakeProvider({ dialect: 'anthropic' })
    await using plane = await openDataPlane({
      groups: [{ name: 'g', upstreams: [provider.url], keys, channel: 'anthropic' }],
      accessKeys: [{ max_requests_per_minute: 1 }],
    })
    const message = {
      target: '/proxy/g/v1/messages',
      headers: [bearer, 'Content-Type: application/json'],
      body: JSON.stringify({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }),
    }
    assert.equal((await send(plane.port, message)).status, 200)
    const refused = await send(plane.port, message)
    const { type, error } = JSON.parse(refused.body.toString()) as { type: string; error: { type: string } }
    assert.deepEqual([refused.status, type, error.type], [429, 'error', 'rate_limit_error'])
  })

  test('tokens per minute: what answers have used, streams too', async () => {
    for (const stream of [false, true]) {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      await using plane = await openDataPlane({
        groups: [{ name: 'g', upstreams: [provider.url], keys }],
        accessKeys: [{ max_tokens_per_minute: 1 }],
      })
      const request = chat('g', { stream, stream_options: stream ? { include_usage: true } : undefined })
      assert.equal((await send(plane.port, request)).status, 200)
      await plane.nextEvent()
      const refused = await send(plane.port, request)
      assert.equal(refused.status, 429)
      assert.match(refused.body.toString(), /max_tokens_per_minute of the access key/)
      assert.equal(refused.header('x-ratelimit-limit-tokens'), '1')
    }
  })

  test('requests at once: the next one is refused, not held up; an end and a client that leaves make room', async () => {
    await using upstream = await startRawUpstream()
    await using plane = await openDataPlane({
      groups: [{ name: 'g', upstreams: [upstream.url], keys }],
      accessKeys: [{ max_concurrent_requests: 1 }],
    })
    const first = send(plane.port, chat('g'))
    const held = await upstream.expectRequest()
    const refused = await send(plane.port, chat('g'))
    assert.deepEqual([refused.status, refused.header('retry-after')], [429, '1'])
    assert.equal(refused.header('x-ratelimit-limit-requests'), undefined)
    await held.answer(ok)
    assert.equal((await first).status, 200)
    const leaving = await connectRawClient({ port: plane.port })
    await leaving.write(requestBytes(chat('g')))
    await upstream.expectRequest()
    leaving.reset()
    await until(() => plane.events.some(({ endReason }) => endReason === 'client_abort'), { what: 'the abort' })
    const last = send(plane.port, chat('g'))
    await (await upstream.expectRequest()).answer(ok)
    assert.equal((await last).status, 200)
  })

  test('who waits for room in a group is among those of its access key', async () => {
    await using upstream = await startRawUpstream()
    const settings = { max_concurrent_requests: 1, max_waiting_requests: 5, max_wait_ms: 5_000 }
    await using plane = await openDataPlane({
      groups: [{ name: 'g', upstreams: [upstream.url], keys, settings }],
      accessKeys: [{ max_concurrent_requests: 2 }, other.record],
    })
    const first = send(plane.port, chat('g'))
    const held = await upstream.expectRequest()
    const second = send(plane.port, chat('g'))
    await until(() => plane.services.counters.get('in_flight') === 2, { what: 'the second request' })
    assert.equal((await send(plane.port, chat('g'))).status, 429)
    const ofOther = send(plane.port, asOther)
    await held.answer(ok)
    await (await upstream.expectRequest()).answer(ok)
    await (await upstream.expectRequest()).answer(ok)
    assert.deepEqual(
      (await Promise.all([first, second, ofOther])).map(({ status }) => status),
      [200, 200, 200],
    )
  })
})

suite('limits of a group', () => {
  test('count the requests of all its callers', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const limited = { name: 'g', upstreams: [provider.url], keys, settings: { max_requests_per_minute: 2 } }
    await using plane = await openDataPlane({
      groups: [limited, { name: 'h', upstreams: [provider.url], keys: ['sk-second-key-00000002'] }],
      accessKeys: [{}, other.record],
    })
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.equal((await send(plane.port, asOther)).status, 200)
    const refused = await send(plane.port, chat('g'))
    assert.equal(refused.status, 429)
    assert.match(refused.body.toString(), /max_requests_per_minute of the group: 2/)
    assert.equal((await send(plane.port, chat('h'))).status, 200)
  })
})
