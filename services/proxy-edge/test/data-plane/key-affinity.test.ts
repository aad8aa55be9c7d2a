import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { bearer, chat } from '../support/chat-request.ts'
import { createBody } from '../support/create-body.ts'
import { send } from '../support/http-message.ts'
import { stateRow } from '../support/key-rows.ts'
import { hashOf, openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = Array.from({ length: 8 }, (_, index) => `sk-key-of-the-pool-0000${index}`)

function group(provider: FakeProvider, settings: TestGroup['settings'] = {}): TestGroup {
  return { name: 'g', upstreams: [provider.url], keys, settings: { key_affinity: 'session', ...settings } }
}
const usedBy = (provider: FakeProvider, from = 0) => new Set(provider.requests.slice(from).map(({ key }) => key))

suite('affinity of keys', () => {
  test('the beginning of a prompt is the same in whatever pieces the body came', () => {
    const text = '{"model":"m","messages":["a long enough beginning of a prompt"]}'
    for (const size of [1, 3, 10, 20, 100]) {
      const body = createBody()
      for (let from = 0; from < text.length; from += size) body.add(Buffer.from(text.slice(from, from + size)))
      assert.equal(body.text(24, 20), text.slice(24, 44), `pieces of ${size}`)
      assert.equal(body.text(60, 20), text.slice(60))
    }
  })

  for (const [name, body, headers] of [
    ['the header', {}, ['X-Session-Id: s-1']],
    ['prompt_cache_key', { prompt_cache_key: 's-1' }, []],
    ['metadata.user_id', { metadata: { user_id: 's-1' } }, []],
  ] as const)
    test(`requests of one session meet one key, by ${name}; without one they rotate`, async () => {
      await using provider = await startFakeProvider({ dialect: 'openai' })
      await using plane = await openDataPlane({ groups: [group(provider)] })
      for (let turn = 0; turn < 6; turn += 1) await send(plane.port, chat('g', body, headers))
      assert.equal(usedBy(provider).size, 1)
      for (let turn = 0; turn < 8; turn += 1) await send(plane.port, chat('g'))
      assert.equal(usedBy(provider, 6).size, 8)
    })

  test('by prompt: conversations that begin alike share a key, others are spread', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({
      groups: [group(provider, { key_affinity: 'prompt', key_affinity_prefix_bytes: 100 })],
    })
    const conversation = (system: string, last: string) =>
      chat('g', {
        messages: [
          { role: 'system', content: system.repeat(20) },
          { role: 'user', content: last },
        ],
      })
    for (let turn = 0; turn < 6; turn += 1) await send(plane.port, conversation('alike ', `turn ${turn}`))
    assert.equal(usedBy(provider).size, 1)
    for (let turn = 0; turn < 30; turn += 1) await send(plane.port, conversation(`other ${turn} `, 'x'))
    assert.ok(usedBy(provider, 6).size >= 5, `${usedBy(provider, 6).size}`)
  })

  test('is off unless asked for', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, { key_affinity: 'off' })] })
    for (let turn = 0; turn < 8; turn += 1) await send(plane.port, chat('g', { prompt_cache_key: 's' }))
    assert.equal(usedBy(provider).size, 8)
  })

  test('the same name means another session for another access key', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const tokens = Array.from({ length: 20 }, (_, index) => `access-key-number-${index}`)
    const accessKeys = tokens.map((token) => ({ hash: hashOf(token) }))
    await using plane = await openDataPlane({ groups: [group(provider)], accessKeys })
    for (const token of tokens) {
      const request = chat('g', { prompt_cache_key: 's' })
      const headers = request.headers!.map((line) => (line === bearer ? `Authorization: Bearer ${token}` : line))
      await send(plane.port, { ...request, headers })
    }
    assert.ok(usedBy(provider).size >= 4)
  })

  test('yields to health: another key while its own is out, and back to it afterwards', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    const ask = () => send(plane.port, chat('g', { prompt_cache_key: 's' }))
    await ask()
    const own = provider.requests[0]!.key!
    const keyId = keys.indexOf(own) + 1
    plane.writer.putStates([stateRow(keyId, { state: 'cooling', until: Date.now() + 60_000 })], 'merge')
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await ask()).status, 200)
    assert.deepEqual([usedBy(provider, 1).size, usedBy(provider, 1).has(own)], [1, false])
    plane.writer.putStates([stateRow(keyId, { generation: 1 })], 'merge')
    await ask()
    assert.equal(provider.requests.at(-1)!.key, own)
  })

  test('yields to load, caps and spent quotas', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    provider.everyKey.fault({ kind: 'delay', delayMs: 100 })
    await using plane = await openDataPlane({ groups: [group(provider, { key_affinity_max_requests: 2 })] })
    await Promise.all(Array.from({ length: 6 }, () => send(plane.port, chat('g', { prompt_cache_key: 's' }))))
    const most = Math.max(...keys.map((key) => provider.countersOf(key).requests))
    assert.ok(most <= 3 && usedBy(provider).size >= 3, `${most} on one key`)

    await using capped = await startFakeProvider({ dialect: 'openai' })
    await using other = await openDataPlane({ groups: [group(capped, { max_requests_per_minute_per_key: 2 })] })
    for (let turn = 0; turn < 6; turn += 1)
      assert.equal((await send(other.port, chat('g', { prompt_cache_key: 's' }))).status, 200)
    for (const key of keys) assert.ok(capped.countersOf(key).requests <= 2)
  })
})
