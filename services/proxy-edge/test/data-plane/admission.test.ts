import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { bearer, chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { accessToken, hashOf, openDataPlane, type DataPlaneOptions } from '../support/open-data-plane.ts'

const other = 'another-access-key-0002'

async function answerTo(
  headers: readonly string[],
  options: Partial<DataPlaneOptions> = {},
  target = '/proxy/g/v1/models',
) {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using plane = await openDataPlane({
    groups: [{ name: 'g', upstreams: [provider.url], keys: ['sk-a'] }],
    ...options,
  })
  const answer = await send(plane.port, { method: 'GET', target, headers })
  const event = await plane.nextEvent()
  return {
    answer,
    event,
    received: provider.requests.length,
    code: answer.status < 400 ? '' : answer.json<{ code: string }>().code,
  }
}

suite('admission', () => {
  test('no access key is 401, for groups that exist and for others', async () => {
    for (const target of ['/proxy/g/v1/models', '/proxy/unknown/v1/models']) {
      const { answer, code, received, event } = await answerTo([], {}, target)
      assert.deepEqual([answer.status, code, received], [401, 'UNAUTHORIZED', 0])
      assert.deepEqual([event.status, event.accessKeyId, event.endReason], [401, 0, 'proxy_error'])
    }
  })

  test('a wrong value in the first place is final, whatever stands in the next', async () => {
    const { answer } = await answerTo(['Authorization: Bearer wrong-wrong-wrong-wrong', `x-api-key: ${accessToken}`])
    assert.equal(answer.status, 401)
  })

  test('another scheme of Authorization falls through to the next place', async () => {
    const { answer } = await answerTo(['Authorization: Basic eDp5', `x-api-key: ${accessToken}`])
    assert.equal(answer.status, 200)
  })

  test('an unknown group is 404 to a valid key', async () => {
    const { answer, code } = await answerTo([bearer], {}, '/proxy/unknown/v1/models')
    assert.deepEqual([answer.status, code], [404, 'NOT_FOUND'])
  })

  test('a key of another group is 403', async () => {
    const accessKeys = [{ all_groups: false, group_ids: [99] }]
    const { answer, code } = await answerTo([bearer], { accessKeys })
    assert.deepEqual([answer.status, code], [403, 'FORBIDDEN'])
  })

  test('a disabled group is 403', async () => {
    const { answer, code } = await answerTo([bearer], { groups: [{ name: 'g', enabled: false, keys: ['sk-a'] }] })
    assert.deepEqual([answer.status, code], [403, 'FORBIDDEN'])
  })

  for (const [name, record] of [
    ['disabled', { enabled: false }],
    ['expired', { expires_at: 1_000 }],
  ] as const)
    test(`a key that is ${name} is 401`, async () => {
      assert.equal((await answerTo([bearer], { accessKeys: [record] })).answer.status, 401)
    })

  test('each access key opens what it names, and is told apart in the record', async () => {
    const accessKeys = [{}, { hash: hashOf(other), name: 'b', all_groups: false, group_ids: [1] }]
    const { answer, event } = await answerTo([`Authorization: Bearer ${other}`], { accessKeys })
    assert.deepEqual([answer.status, event.accessKeyId], [200, 2])
  })

  test('root paths lead to the default group of the access key', async () => {
    const { answer, event } = await answerTo([bearer], { accessKeys: [{ default_group_id: 1 }] }, '/v1/models')
    assert.deepEqual([answer.status, event.groupName], [200, 'g'])
  })

  test('TRACE is refused: it would show the provider key', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys: ['sk-a'] }] })
    assert.equal((await send(plane.port, { method: 'TRACE', target: '/proxy/g/x', headers: [bearer] })).status, 400)
    assert.equal(provider.requests.length, 0)
  })

  test('requests over the bound are 503 with Retry-After', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({
      groups: [{ name: 'g', upstreams: [provider.url], keys: ['sk-a'] }],
      maxRequests: 1,
    })
    provider.everyKey.fault({ kind: 'delay', delayMs: 300 }, { times: 1 })
    const first = send(plane.port, chat('g'))
    await provider.nextRequest()
    const second = await send(plane.port, chat('g'))
    assert.deepEqual(
      [second.status, second.json<{ code: string }>().code, second.header('retry-after')],
      [503, 'OVERLOADED', '1'],
    )
    assert.equal((await first).status, 200)
    assert.equal((await send(plane.port, chat('g'))).status, 200)
  })

  for (const [channel, expected] of [
    ['openai', { error: 'object', type: 'undefined' }],
    ['anthropic', { error: 'object', type: 'string' }],
    ['gemini', { error: 'object', type: 'undefined' }],
  ] as const)
    test(`errors speak the dialect of ${channel}, with GPT-Load's code and message on top`, async () => {
      const { answer } = await answerTo([], { groups: [{ name: 'g', channel }] })
      const body = answer.json<Record<string, unknown>>()
      assert.deepEqual({ error: typeof body['error'], type: typeof body['type'] }, expected)
      assert.equal(body['code'], 'UNAUTHORIZED')
      assert.equal(typeof body['message'], 'string')
      assert.match(answer.header('content-type')!, /^application\/json/)
    })
})
