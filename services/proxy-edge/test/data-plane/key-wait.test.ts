import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { connectRawClient } from '@gpt-load/testkit/upstreams/raw-client'
import { until } from '@gpt-load/testkit/until'
import { chat } from '../support/chat-request.ts'
import { requestBytes, send } from '../support/http-message.ts'
import { stateRow } from '../support/key-rows.ts'
import { type DataPlane, type DataPlaneOptions, openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

type ErrorBody = { code: string }
const keys = ['sk-first-key-000000001', 'sk-second-key-00000002', 'sk-third-key-000000003']

function group(provider: FakeProvider, settings: TestGroup['settings'] = {}): TestGroup {
  return { name: 'g', upstreams: [provider.url], keys, settings: { key_wait_ms: 5_000, ...settings } }
}

/** With the clock that returns keys, as the main thread has it. */
async function open(options: DataPlaneOptions): Promise<DataPlane> {
  const plane = await openDataPlane(options)
  plane.writer.start()
  return plane
}

/** All keys cool, the first one returns first. */
function cool(plane: DataPlane, firstMs: number, othersMs = 60_000): number {
  const now = Date.now()
  const untilMs = (keyId: number) => now + (keyId === 1 ? firstMs : othersMs)
  plane.writer.putStates(
    keys.map((_key, index) => stateRow(index + 1, { state: 'cooling', until: untilMs(index + 1) })),
    'merge',
  )
  return now
}

const waiting = (plane: DataPlane, count: number) =>
  until(() => plane.services.counters.get('key_waits') === count, { what: `${count} waiting requests` })

suite('the waiting room for keys', () => {
  test('a request waits for the first key to return, and is served by it', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open({ groups: [group(provider)] })
    const began = cool(plane, 300)
    const answer = await send(plane.port, chat('g'))
    assert.equal(answer.status, 200)
    assert.ok(Date.now() - began >= 300, 'not before the deadline')
    assert.deepEqual([provider.countersOf(keys[0]!).requests, provider.requests.length], [1, 1])
  })

  test('off, or when no key returns in time, the answer is a 429 that says when one does', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    for (const settings of [{ key_wait_ms: 0 }, { key_wait_ms: 5_000 }, { retry_deadline_ms: 1_000 }]) {
      await using plane = await open({ groups: [group(provider, settings)] })
      const began = cool(plane, 20_000)
      const answer = await send(plane.port, chat('g'))
      assert.deepEqual([answer.status, answer.json<ErrorBody>().code], [429, 'KEYS_RATE_LIMITED'])
      assert.match(answer.header('retry-after')!, /^(19|20)$/)
      assert.ok(Date.now() - began < 2_000, 'at once')
    }
  })

  test('a pool that returns by itself is 429 though some of its keys are dead', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open({ groups: [group(provider, { key_wait_ms: 0 })] })
    plane.writer.putStates(
      [
        stateRow(1, { state: 'exhausted', until: Date.now() + 40_000 }),
        stateRow(2, { state: 'invalid' }),
        stateRow(3, { state: 'disabled' }),
      ],
      'merge',
    )
    const answer = await send(plane.port, chat('g'))
    assert.equal(answer.status, 429)
    assert.match(answer.header('retry-after')!, /^(39|40)$/)
  })

  test('a pool that only a person brings back is 503, and nobody waits for it', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open({ groups: [group(provider)] })
    plane.writer.putStates(
      [1, 2, 3].map((keyId) => stateRow(keyId, { state: 'invalid' })),
      'merge',
    )
    const answer = await send(plane.port, chat('g'))
    assert.deepEqual([answer.status, answer.json<ErrorBody>().code], [503, 'NO_KEYS_AVAILABLE'])
    assert.equal(plane.services.counters.get('key_waits'), 0)
  })

  test('the line is bounded: one more is answered at once', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open({ groups: [group(provider, { max_key_waiting_requests: 1 })] })
    cool(plane, 1_000)
    const first = send(plane.port, chat('g'))
    await waiting(plane, 1)
    assert.equal((await send(plane.port, chat('g'))).status, 429)
    assert.equal((await first).status, 200)
  })

  test('a key that a person restores ends the wait', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open({ groups: [group(provider)] })
    const began = cool(plane, 4_000)
    const sent = send(plane.port, chat('g'))
    await waiting(plane, 1)
    plane.writer.putStates([stateRow(3, { generation: 1 })], 'merge')
    assert.equal((await sent).status, 200)
    assert.ok(Date.now() - began < 2_000)
    assert.equal(provider.countersOf(keys[2]!).requests, 1)
  })

  test('a client that leaves makes room in the line', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open({ groups: [group(provider, { max_key_waiting_requests: 1 })] })
    cool(plane, 1_000)
    const leaving = await connectRawClient({ port: plane.port })
    await leaving.write(requestBytes(chat('g')))
    await waiting(plane, 1)
    leaving.reset()
    assert.equal((await plane.nextEvent()).endReason, 'client_abort')
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.equal(provider.requests.length, 1)
  })

  test('a request whose keys were limited under it waits for one that it has not tried, never for one that it has', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open({ groups: [group(provider)] })
    plane.writer.putStates([stateRow(3, { state: 'cooling', until: Date.now() + 400 })], 'merge')
    for (const key of keys.slice(0, 2)) provider.key(key).limit({ retryAfterS: 3 })
    assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.deepEqual(
      provider.requests.map(({ key }) => key),
      [keys[0], keys[1], keys[2]],
    )
    provider.key(keys[2]!).limit({ retryAfterS: 3 })
    plane.writer.putStates(
      [1, 2].map((keyId) => stateRow(keyId, { generation: 1 })),
      'merge',
    )
    const began = Date.now()
    assert.equal((await send(plane.port, chat('g'))).status, 429)
    assert.ok(Date.now() - began < 2_000, 'all keys were tried: there is nothing to wait for')
    assert.equal(new Set(provider.requests.slice(3).map(({ key }) => key)).size, 3)
  })

  test('a line does not fall upon the first key that returns: it is let in piece by piece', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await open({ groups: [group(provider)] })
    cool(plane, 300)
    const sent = Array.from({ length: 20 }, () => send(plane.port, chat('g')))
    await waiting(plane, 20)
    const served = () => plane.services.counters.get('key_waits_served')
    await until(() => served() > 0, { what: 'the first one', intervalMs: 1 })
    assert.ok(served() < 10, `${served()} at once`)
    for (const answer of await Promise.all(sent)) assert.equal(answer.status, 200)
  })

  test('members of an aggregate are waited for alike', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const members = [{ group_id: 2, weight: 1 }]
    const all: TestGroup = { name: 'all', kind: 'aggregate', members, settings: { key_wait_ms: 5_000 } }
    await using plane = await open({ groups: [all, group(provider)] })
    cool(plane, 300)
    assert.equal((await send(plane.port, chat('all'))).status, 200)
  })
})
