import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { severityOf } from '@gpt-load/contracts/key-state'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { until } from '@gpt-load/testkit/until'
import { chat } from '../support/chat-request.ts'
import { requestBytes, send } from '../support/http-message.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = ['sk-first-key-000000001', 'sk-second-key-00000002', 'sk-third-key-000000003']
const [first, second, third] = keys as [string, string, string]

function group(provider: FakeProvider, more: Partial<TestGroup> = {}): TestGroup {
  return { name: 'g', upstreams: [provider.url], keys, ...more }
}

suite('key rotation', () => {
  test('uses the keys of a group in turn, and reports nothing of healthy ones', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    for (let turn = 0; turn < 6; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    for (const key of keys) assert.equal(provider.countersOf(key).requests, 2)
    assert.equal(plane.outcomes.length, 0)
    assert.equal(provider.acceptedConnections, 1)
  })

  test('a rate limited key cools at once, and another key serves the request', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    provider.key(first).limit({ retryAfterS: 60 })
    for (let turn = 0; turn < 6; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.equal(provider.countersOf(first).requests, 1)
    assert.equal(plane.stateOf(1), 'cooling')
    const [outcome] = plane.outcomes
    assert.equal(plane.outcomes.length, 1)
    assert.deepEqual([outcome!.keyId, outcome!.cause.class, outcome!.cause.status], [1, 'rate_limit', 429])
  })

  test('a key without quota is exhausted, and another key serves the request', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    provider.key(first).outOfQuota()
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.equal(plane.stateOf(1), 'exhausted')
  })

  test('a refused key is judged when another key has accepted the same request', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { settings: { blacklist_threshold: 1 } })] })
    provider.key(first).revoke()
    const answer = await send(plane.port, chat('g'))
    assert.equal(answer.status, 200)
    assert.equal(plane.stateOf(1), 'invalid')
    const event = await plane.nextEvent()
    assert.deepEqual(
      event.attempts.map(({ keyId, status, errorClass }) => [keyId, status, errorClass]),
      [
        [1, 401, 'key_auth'],
        [2, 200, ''],
      ],
    )
    assert.equal(event.status, 200)
    assert.equal(event.errorClass, '')
  })

  for (const [name, program] of [
    ['500', (provider: FakeProvider) => provider.everyKey.fail('server-error', { times: 1 })],
    ['overload', (provider: FakeProvider) => provider.everyKey.overload({ times: 1 })],
    ['a reset', (provider: FakeProvider) => provider.everyKey.fault({ kind: 'reset' }, { times: 1 })],
    ['a close', (provider: FakeProvider) => provider.everyKey.fault({ kind: 'close' }, { times: 1 })],
  ] as const)
    test(`${name} is tried again with another key, and costs no key anything`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      await using plane = await openDataPlane({ groups: [group(provider)] })
      program(provider)
      assert.equal((await send(plane.port, chat('g'))).status, 200)
      assert.deepEqual(
        provider.requests.map(({ key }) => key),
        [first, second],
      )
      assert.equal(plane.outcomes.length, 0)
    })

  test('least_in_flight leaves a busy key alone, and comes back to it when its request has ended', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { key_rotation: 'least_in_flight' } as const
    await using plane = await openDataPlane({ groups: [group(provider, { settings, keys: [first, second] })] })
    provider.key(first).fault({ kind: 'hang' }, { times: 1 })
    const held = await connectRawClient({ port: plane.port })
    await held.write(requestBytes(chat('g')))
    await provider.nextRequest()
    for (let turn = 0; turn < 4; turn += 1) await send(plane.port, chat('g'))
    assert.deepEqual([provider.countersOf(first).requests, provider.countersOf(second).requests], [1, 4])
    held.reset()
    await until(() => plane.events.length === 5, { what: 'the end of the held request' })
    for (let turn = 0; turn < 2; turn += 1) await send(plane.port, chat('g'))
    assert.equal(provider.countersOf(first).requests, 2)
    for (const keyId of [1, 2]) assert.equal(plane.services.table.inFlight(plane.writer.slotOf(keyId)), 0)
  })

  test('least_in_flight gives back what failed attempts, retries and refused ones have entered', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { key_rotation: 'least_in_flight', max_retries: 5 } as const
    await using plane = await openDataPlane({ groups: [group(provider, { settings })] })
    provider.everyKey.fail('server-error', { times: 4 })
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    provider.everyKey.limit({ retryAfterS: 60 })
    for (let turn = 0; turn < 2; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 429)
    for (const keyId of [1, 2, 3]) assert.equal(plane.services.table.inFlight(plane.writer.slotOf(keyId)), 0)
  })

  test('weighted serves keys in proportion to their weights', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { key_rotation: 'weighted' } as const
    await using plane = await openDataPlane({ groups: [group(provider, { settings, keys: [first, second] })] })
    plane.writer.putKeys(1, [[1, 0, 0, 0, 0, 3, first]], 'merge')
    for (let turn = 0; turn < 12; turn += 1) await send(plane.port, chat('g'))
    assert.deepEqual([provider.countersOf(first).requests, provider.countersOf(second).requests], [9, 3])
  })

  test('a request never meets the same key twice, and stops at max_retries', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { settings: { max_retries: 2 } })] })
    provider.everyKey.limit({ retryAfterS: 60 })
    await send(plane.port, chat('g'))
    assert.deepEqual(provider.requests.map(({ key }) => key).toSorted(), keys.toSorted())
  })

  test('max_keys_per_request bounds the walk below max_retries', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { max_retries: 10, max_keys_per_request: 2 }
    await using plane = await openDataPlane({ groups: [group(provider, { settings })] })
    provider.everyKey.limit({ retryAfterS: 60 })
    await send(plane.port, chat('g'))
    assert.equal(provider.requests.length, 2)
  })

  test('an error of the caller is answered at once, and costs no key', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    const body = '{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}}'
    provider.everyKey.respond({ status: 400, headers: { 'content-type': 'application/json' }, body })
    const answer = await send(plane.port, chat('g'))
    assert.deepEqual([answer.status, answer.body, provider.requests.length], [400, body, 1])
    assert.equal(plane.outcomes.length, 0)
    const event = await plane.nextEvent()
    assert.deepEqual([event.errorClass, event.status, event.endReason], ['client', 400, 'complete'])
  })

  test('literal failover codes are obeyed for retry, and never decide about keys', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { failover_status_codes: '404,200-201' }
    await using plane = await openDataPlane({ groups: [group(provider, { settings })] })
    const quota = { error: { message: 'x', type: 'insufficient_quota', code: 'insufficient_quota' } }
    provider.everyKey
      .respond({ status: 404, body: {} }, { times: 1 })
      .respond({ status: 200, body: quota }, { times: 1 })
    provider.everyKey.respond({ status: 202, body: {} }, { times: 1 })
    assert.equal((await send(plane.port, chat('g'))).status, 202)
    assert.equal(provider.requests.length, 3)
    provider.everyKey.respond({ status: 500, body: {} }, { times: 1 })
    assert.equal((await send(plane.port, chat('g'))).status, 500)
    assert.equal(provider.requests.length, 4)
    assert.equal(plane.outcomes.length, 0)
  })

  test('another upstream comes first after one failed', async () => {
    await using good = await startFakeProvider({ dialect: 'openai' })
    await using bad = await startFakeProvider({ dialect: 'openai' })
    bad.everyKey.fail('server-error')
    const upstreams = [
      { url: bad.url, weight: 10 },
      { url: good.url, weight: 1 },
    ]
    await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams, keys }] })
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.deepEqual([bad.requests.length, good.requests.length], [1, 1])
  })

  test('the only key serves again when the upstream was at fault', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { keys: [third] })] })
    provider.everyKey.fail('server-error', { times: 2 })
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.equal(provider.countersOf(third).requests, 3)
  })

  test('a key that was refused is not met again, though the upstream gets another try', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { max_retries: 4 }
    await using plane = await openDataPlane({ groups: [group(provider, { keys: [first, second], settings })] })
    provider.key(first).revoke()
    provider.key(second).fail('server-error')
    assert.equal((await send(plane.port, chat('g'))).status, 500)
    assert.deepEqual([provider.countersOf(first).requests, provider.countersOf(second).requests], [1, 4])
  })

  test('a limit of one model is that of the model which goes out: the key serves others, and not what is redirected to it', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { model_redirects: { alias: 'real' } })] })
    plane.writer.putModels([[1, severityOf.cooling, Date.now() + 60_000, 0, 0, 'real']], 'merge')
    for (let turn = 0; turn < 4; turn += 1) await send(plane.port, chat('g', { model: 'alias' }))
    assert.equal(provider.countersOf(first).requests, 0)
    for (let turn = 0; turn < 3; turn += 1) await send(plane.port, chat('g', { model: 'other' }))
    assert.equal(provider.countersOf(first).requests, 1)
  })

  test('no new attempt begins past retry_deadline_ms', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { settings: { retry_deadline_ms: 0 } })] })
    provider.everyKey.fail('server-error')
    assert.equal((await send(plane.port, chat('g'))).status, 500)
    assert.equal(provider.requests.length, 1)
  })
})
