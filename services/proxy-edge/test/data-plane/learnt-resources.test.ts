import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { bearer } from '../support/chat-request.ts'
import { type Message, type RequestText, send } from '../support/http-message.ts'
import { stateRow } from '../support/key-rows.ts'
import { type DataPlane, openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = Array.from({ length: 8 }, (_, index) => `sk-key-of-the-pool-0000${index}`)
const json = [bearer, 'Content-Type: application/json']

function group(provider: FakeProvider, settings: TestGroup['settings'] = {}): TestGroup {
  return { name: 'g', channel: 'openai-response', upstreams: [provider.url], keys, settings }
}

const respond = (more: object = {}, headers: string[] = []): RequestText => ({
  target: '/proxy/g/v1/responses',
  headers: [...json, ...headers],
  body: JSON.stringify({ model: 'm', input: 'hi', ...more }),
})
const at = (method: string, path: string): RequestText => ({ method, target: `/proxy/g/v1/${path}`, headers: [bearer] })
const idOf = (message: Message) => /"(resp_\w+)"/.exec(message.body)![1]!

/** Makes so many stored responses; each by another key, as they rotate. */
async function make(plane: DataPlane, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let turn = 0; turn < count; turn += 1) {
    const answer = await send(plane.port, respond({ stream: turn % 2 === 1 }))
    assert.equal(answer.status, 200)
    ids.push(idOf(answer))
  }
  await until(() => plane.learnt.length === count, { what: 'what was made to be learnt' })
  return ids
}

suite('learnt resources', () => {
  test('a stored response is read, continued and deleted with the key that made it, streamed or not', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    const ids = await make(plane, 8)
    assert.equal(new Set(provider.requests.map(({ key }) => key)).size, 8)
    for (const [index, id] of ids.entries()) {
      const maker = provider.requests[index]!.key
      for (const request of [
        at('GET', `responses/${id}`),
        respond({ previous_response_id: id }),
        at('DELETE', `responses/${id}`),
      ]) {
        assert.equal((await send(plane.port, request)).status, 200)
        assert.equal(provider.requests.at(-1)!.key, maker)
      }
    }
  })

  test('an answer that comes compressed is understood too', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai', coding: 'gzip' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    for (let turn = 0; turn < 3; turn += 1) await send(plane.port, respond({}, ['Accept-Encoding: gzip']))
    await until(() => plane.learnt.length === 3, { what: 'three ids' })
    assert.equal(new Set(plane.learnt.map(({ key_id }) => key_id)).size, 3)
  })

  test('what was made while the usual key was out is not looked for at the usual key', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    await send(plane.port, at('GET', 'files'))
    const usual = provider.requests[0]!.key
    const usualId = keys.indexOf(usual!) + 1
    plane.writer.putStates([stateRow(usualId, { state: 'cooling', until: Date.now() + 60_000 })], 'merge')
    provider.everyKey.respond({ status: 200, body: { id: 'file-1', object: 'file' } }, { times: 1 })
    await send(plane.port, { target: '/proxy/g/v1/files', headers: json, body: '{}' })
    const maker = provider.requests[1]!.key
    assert.notEqual(maker, usual)
    plane.writer.putStates([stateRow(usualId, { generation: 1 })], 'merge')
    for (const path of ['files/file-1', 'files/file-1/content', 'files/other']) await send(plane.port, at('GET', path))
    assert.deepEqual(
      provider.requests.slice(2).map(({ key }) => key),
      [maker, maker, usual],
    )
    const batch = { target: '/proxy/g/v1/batches', headers: json, body: '{"input_file_id":"file-1"}' }
    await send(plane.port, batch)
    assert.equal(provider.requests.at(-1)!.key, maker, 'what a call names in its body leads it too')
  })

  test('Gemini: a generating call meets the key that made the cached content it names', async () => {
    await using provider = await startFakeProvider({ dialect: 'gemini' })
    await using plane = await openDataPlane({ groups: [{ ...group(provider), channel: 'gemini' }] })
    provider.everyKey.respond({ status: 200, body: { name: 'cachedContents/c-1' } }, { times: 1 })
    await send(plane.port, { target: '/proxy/g/v1beta/cachedContents', headers: json, body: '{"model":"models/m"}' })
    const usual = provider.requests[0]!.key!
    const other = keys.find((key) => key !== usual)!
    const { high, low } = plane.learnt[0]!
    plane.writer.putResource({ high, low }, keys.indexOf(other) + 1, Date.now() + 3_600_000)
    const body = '{"cachedContent":"cachedContents/c-1","contents":[]}'
    await send(plane.port, { target: '/proxy/g/v1beta/models/m:generateContent', headers: json, body })
    assert.equal(provider.requests.at(-1)!.key, other)
  })

  test('a maker that is limited is asked all the same: no other key knows, and its own 429 is the answer', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { key_wait_ms: 5_000 })] })
    const [id] = await make(plane, 1)
    const maker = provider.requests[0]!.key!
    provider.key(maker).limit({ retryAfterS: 4 })
    const began = Date.now()
    for (let turn = 0; turn < 2; turn += 1) {
      const answer = await send(plane.port, at('GET', `responses/${id}`))
      assert.equal(answer.status, 429)
      assert.match(answer.header('retry-after')!, /^(3|4)$/)
    }
    assert.ok(Date.now() - began < 2_000, 'nobody waits for another key')
    assert.deepEqual(
      provider.requests.map(({ key }) => key),
      [maker, maker, maker],
    )
    provider.key(maker).recover().fail('server-error', { times: 1 })
    assert.equal((await send(plane.port, at('GET', `responses/${id}`))).status, 200, 'tried again with itself')
  })

  for (const [name, leave] of [
    ['removed', (plane: DataPlane, keyId: number) => plane.writer.removeKeys([keyId])],
    [
      'disabled',
      (plane: DataPlane, keyId: number) => plane.writer.putStates([stateRow(keyId, { state: 'disabled' })], 'merge'),
    ],
  ] as const)
    test(`where the maker is ${name} the caller gets the upstream's answer, and the log says why`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      await using plane = await openDataPlane({ groups: [group(provider)] })
      const [id] = await make(plane, 1)
      leave(plane, plane.learnt[0]!.key_id)
      await plane.nextEvent()
      const answer = await send(plane.port, at('GET', `responses/${id}`))
      assert.equal(answer.status, 404)
      const event = await plane.nextEvent()
      assert.match(event.errorMessage, /^the key that made this resource is gone; /)
      assert.notEqual(event.attempts[0]!.keyId, plane.learnt[0]!.key_id)
    })

  test('another edge that was told finds it; one that was not falls back to the usual key', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    const ids = await make(plane, 8)
    await using other = await openDataPlane({ groups: [group(provider)] })
    const found = async () => {
      const answers = await Promise.all(ids.map((id) => send(other.port, at('GET', `responses/${id}`))))
      return answers.filter(({ status }) => status === 200).length
    }
    assert.equal(await found(), 1)
    for (const { high, low, key_id, expires_at } of plane.learnt)
      other.writer.putResource({ high, low }, key_id, expires_at)
    assert.equal(await found(), 8)
    other.writer.forgetResources()
    assert.equal(await found(), 1)
  })

  test('in an aggregate the maker is found in whichever member it is', async () => {
    await using one = await startFakeProvider({ dialect: 'openai' })
    await using two = await startFakeProvider({ dialect: 'openai' })
    const member = (name: string, from: number): TestGroup => ({
      ...group(from === 0 ? one : two),
      name,
      keys: keys.slice(from, from + 4),
    })
    const members = [2, 3].map((group_id) => ({ group_id, weight: 1 }))
    const outer: TestGroup = { name: 'g', kind: 'aggregate', channel: 'openai-response', members }
    await using plane = await openDataPlane({ groups: [outer, member('a', 0), member('b', 4)] })
    for (const id of await make(plane, 8))
      assert.equal((await send(plane.port, at('GET', `responses/${id}`))).status, 200)
  })

  test('nothing is learnt where it is off, where all keys share an organisation, and of what is no creation', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    for (const settings of [{ resource_key_ttl_hours: 0 }, { keys_share_organization: true }]) {
      await using plane = await openDataPlane({ groups: [group(provider, settings)] })
      await send(plane.port, respond())
      assert.deepEqual(plane.learnt, [])
    }
    await using plane = await openDataPlane({ groups: [group(provider)] })
    provider.everyKey.respond({ status: 200, body: { id: 'x' } }, { times: 3 })
    for (const request of [at('GET', 'files'), at('DELETE', 'files/x'), at('GET', 'models')])
      await send(plane.port, request)
    assert.deepEqual(plane.learnt, [])
  })
})
