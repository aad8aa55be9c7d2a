import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { startRawUpstream } from '@gpt-load/testkit/upstreams/raw-upstream'
import { bearer } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { hashOf, openDataPlane } from '../support/open-data-plane.ts'

const keys = Array.from({ length: 8 }, (_, index) => `sk-key-of-the-pool-0000${index}`)
const create = { target: '/proxy/g/v1/batches', headers: [bearer, 'Content-Type: application/json'], body: '{"a":1}' }
const get = (target: string, token = bearer) => ({ method: 'GET', target: `/proxy/g${target}`, headers: [token] })

suite('stateful paths', () => {
  test('stick to one key per access key, while other requests rotate', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
    provider.everyKey.respond({ status: 200, body: '{}' })
    for (const target of ['/v1/files', '/v1/files/file-1', '/v1/batches/b-1', '/v1/responses/resp_1'])
      await send(plane.port, get(target))
    assert.equal(new Set(provider.requests.map(({ key }) => key)).size, 1)
    for (let turn = 0; turn < 4; turn += 1) await send(plane.port, get('/v1/models'))
    assert.equal(new Set(provider.requests.slice(4).map(({ key }) => key)).size, 4)
  })

  test('rotate like all others where all keys are of one organisation', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai', isAccountShared: true })
    const settings = { keys_share_organization: true }
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys, settings }] })
    provider.everyKey.respond({ status: 200, body: '{}' })
    for (const target of ['/v1/files', '/v1/files/file-1', '/v1/batches/b-1', '/v1/responses/resp_1'])
      await send(plane.port, get(target))
    assert.equal(new Set(provider.requests.map(({ key }) => key)).size, 4)
  })

  test('are spread over the keys by access key', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const tokens = Array.from({ length: 30 }, (_, index) => `access-key-number-${index}`)
    const accessKeys = tokens.map((token) => ({ hash: hashOf(token) }))
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }], accessKeys })
    provider.everyKey.respond({ status: 200, body: '{}' })
    for (const token of tokens) await send(plane.port, get('/v1/files', `Authorization: Bearer ${token}`))
    assert.ok(new Set(provider.requests.map(({ key }) => key)).size > 4)
  })

  test('a response that continues another one sticks too', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({
      groups: [{ name: 'g', channel: 'openai-response', upstreams: [provider.url], keys }],
    })
    provider.everyKey.respond({ status: 200, body: '{}' })
    const body = '{"model":"m","previous_response_id":"resp_1","input":"hi"}'
    const headers = [bearer, 'Content-Type: application/json']
    for (let turn = 0; turn < 3; turn += 1) await send(plane.port, { target: '/proxy/g/v1/responses', headers, body })
    assert.equal(new Set(provider.requests.map(({ key }) => key)).size, 1)
  })

  test('a creating call that may have been done is not repeated', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
    provider.everyKey.fail('server-error')
    assert.equal((await send(plane.port, create)).status, 500)
    provider.everyKey.recover().fault({ kind: 'reset' })
    assert.equal((await send(plane.port, create)).status, 502)
    assert.equal(provider.requests.length, 2)
    assert.equal(provider.acceptedConnections, 2, 'never on an idle connection, where a reset would say nothing')
  })

  test('a creating call is repeated when the status proves that nothing was done', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys }] })
    provider.everyKey.fail('rate-limited', { times: 1 }).respond({ status: 200, body: '{}' })
    assert.equal((await send(plane.port, create)).status, 200)
    assert.equal(provider.requests.length, 2)
    assert.notEqual(provider.requests[0]!.key, provider.requests[1]!.key)
  })

  test('a creating call is repeated when it was not sent whole', async () => {
    await using upstream = await startRawUpstream(() => undefined)
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [upstream.url], keys }] })
    const body = JSON.stringify({ pad: 'x'.repeat(500_000) })
    const sent = send(plane.port, { ...create, body })
    const first = await upstream.expectConnection()
    first.pause()
    first.reset()
    const second = await upstream.expectConnection()
    await second.readRequest()
    await second.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    assert.equal((await sent).status, 200)
  })
})
