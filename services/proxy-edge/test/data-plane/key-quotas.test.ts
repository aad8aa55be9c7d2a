import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { bearer, chat } from '../support/chat-request.ts'
import { type Message, send } from '../support/http-message.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

type ErrorBody = { code: string }
const windowMs = 1_000
const keys = Array.from({ length: 10 }, (_value, index) => `sk-key-of-the-pool-00000${index}`)
const [first, second] = keys as [string, string]

function group(provider: FakeProvider, settings: TestGroup['settings'] = {}, more: Partial<TestGroup> = {}): TestGroup {
  return { name: 'g', upstreams: [provider.url], keys, settings, ...more }
}

/** Half of the keys may do a fifth of what the others may, and callers ask for two thirds of all. */
async function shareOf429(dialect: 'openai' | 'anthropic', settings: TestGroup['settings']): Promise<number> {
  await using provider = await startFakeProvider({ dialect })
  for (const [index, key] of keys.entries()) provider.limitKey(key, { requests: index % 2 === 0 ? 10 : 50, windowMs })
  await using plane = await openDataPlane({ groups: [group(provider, settings, { channel: dialect })] })
  const anthropic = {
    target: '/proxy/g/v1/messages',
    headers: [bearer, 'Content-Type: application/json'],
    body: JSON.stringify({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }),
  }
  const request = dialect === 'openai' ? chat('g') : anthropic
  plane.writer.start()
  const sent: Promise<Message>[] = []
  const began = performance.now()
  // 200 requests in each of three windows, evenly: what is late is sent at once.
  for (let count = 0; count < 600; count += 1) {
    const dueMs = (count * windowMs) / 200 - (performance.now() - began)
    if (dueMs > 1) await delay(dueMs)
    sent.push(send(plane.port, request))
  }
  const refused = (await Promise.all(sent)).filter(({ status }) => status !== 200)
  assert.equal(refused.length, 0, 'callers see none of it: the pool has room for all')
  return provider.requests.filter(({ status }) => status === 429).length / provider.total.requests
}

suite('quotas of keys', () => {
  for (const dialect of ['openai', 'anthropic'] as const)
    test(`${dialect}: learning what is left keeps most 429s from happening`, async (context) => {
      const without = await shareOf429(dialect, { learn_key_quotas: false })
      const withIt = await shareOf429(dialect, { learn_key_quotas: true })
      const percent = (share: number) => `${(share * 100).toFixed(2)} %`
      context.diagnostic(`429s of the upstream: ${percent(without)} without, ${percent(withIt)} with learn_key_quotas`)
      assert.ok(without > 0.01, `without: ${percent(without)}`)
      assert.ok(withIt < without / 4, `${percent(withIt)} with, ${percent(without)} without`)
    })

  test('a key without requests left rests until its window ends, and then serves again', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, {}, { keys: [first, second] })] })
    provider.limitKey(first, { requests: 1, windowMs })
    for (let turn = 0; turn < 5; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.deepEqual([provider.countersOf(first).requests, provider.countersOf(second).requests], [1, 4])
    assert.equal(plane.outcomes.length, 0, 'nobody was refused')
    // A window ends by the clock.
    await delay(windowMs)
    for (let turn = 0; turn < 2; turn += 1) await send(plane.port, chat('g'))
    assert.equal(provider.countersOf(first).requests, 2)
  })

  test('a key without tokens for one more request of usual size rests too', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, {}, { keys: [first, second] })] })
    provider.reply({ usage: { promptTokens: 60, completionTokens: 40 } })
    provider.limitKey(first, { requests: 1_000, tokens: 250, windowMs: 60_000 })
    for (let turn = 0; turn < 10; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    assert.equal(provider.countersOf(first).requests, 2, 'fifty tokens are left, a request takes a hundred')
    assert.equal(plane.outcomes.length, 0)
  })

  test('what is spent for one model is not for another, and when all are spent they are tried all the same', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider, {}, { keys: [first, second] })] })
    const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '60s' }
    provider.key(first).respond({ status: 200, headers, body: '{}' }, { times: 1 })
    for (let turn = 0; turn < 4; turn += 1) await send(plane.port, chat('g', { model: 'one' }))
    assert.deepEqual([provider.countersOf(first).requests, provider.countersOf(second).requests], [1, 3])
    for (let turn = 0; turn < 4; turn += 1) await send(plane.port, chat('g', { model: 'two' }))
    assert.deepEqual([provider.countersOf(first).requests, provider.countersOf(second).requests], [3, 5])
    provider.key(second).respond({ status: 200, headers, body: '{}' }, { times: 1 })
    for (let turn = 0; turn < 5; turn += 1)
      assert.equal((await send(plane.port, chat('g', { model: 'one' }))).status, 200)
    assert.ok(provider.countersOf(first).requests > 3)
  })
})

suite('caps of keys', () => {
  test('requests per minute: never more, then 429 with the time until there is room, and no upstream is asked', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { max_requests_per_minute_per_key: 3 }
    await using plane = await openDataPlane({ groups: [group(provider, settings, { keys: [first, second] })] })
    for (let turn = 0; turn < 6; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    const answer = await send(plane.port, chat('g'))
    assert.deepEqual([answer.status, answer.json<ErrorBody>().code], [429, 'KEYS_RATE_LIMITED'])
    const seconds = Number(answer.header('retry-after'))
    assert.ok(seconds >= 1 && seconds <= 120, `${seconds} s`)
    assert.deepEqual([provider.countersOf(first).requests, provider.countersOf(second).requests], [3, 3])
  })

  test('tokens per minute: no request more once they are used', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    provider.reply({ usage: { promptTokens: 60, completionTokens: 40 } })
    const settings = { max_tokens_per_minute_per_key: 150 }
    await using plane = await openDataPlane({ groups: [group(provider, settings, { keys: [first] })] })
    const statuses = []
    for (let turn = 0; turn < 4; turn += 1) statuses.push((await send(plane.port, chat('g'))).status)
    assert.deepEqual(statuses, [200, 200, 429, 429])
  })

  test('requests at once: the next one takes another key, and waits when it may', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    provider.everyKey.fault({ kind: 'delay', delayMs: 200 })
    const settings = { max_concurrent_requests_per_key: 1, key_wait_ms: 5_000 }
    await using plane = await openDataPlane({ groups: [group(provider, settings, { keys: [first, second] })] })
    const answers = await Promise.all(Array.from({ length: 4 }, () => send(plane.port, chat('g'))))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    )
    assert.deepEqual([provider.countersOf(first).requests, provider.countersOf(second).requests], [2, 2])
    assert.equal(plane.services.counters.get('key_waits'), 2)
  })

  test('a cap is shared by the edges that are there: each keeps its part, one at least', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const settings = { max_requests_per_minute_per_key: 5 }
    await using plane = await openDataPlane({ groups: [group(provider, settings, { keys: [first] })] })
    const served = async () => {
      let count = 0
      while ((await send(plane.port, chat('g'))).status === 200) count += 1
      return count
    }
    plane.writer.setLiveEdges(2)
    assert.equal(await served(), 2)
    plane.writer.setLiveEdges(1)
    assert.equal(await served(), 3)
  })
})
