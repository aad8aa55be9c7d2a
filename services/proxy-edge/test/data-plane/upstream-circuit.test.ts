import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import type { KeyState } from '@gpt-load/contracts/key-state'
import { bearer, chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { stateRow } from '../support/key-rows.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = ['sk-key-number-one-0001', 'sk-key-number-two-0002']
const settings = { upstream_failure_threshold: 3, upstream_open_ms: 300 }

async function openPair(more: Partial<TestGroup> = {}) {
  const bad = await startFakeProvider({ dialect: 'openai' })
  const good = await startFakeProvider({ dialect: 'openai' })
  const upstreams = [
    { url: bad.url, weight: 3 },
    { url: good.url, weight: 1 },
  ]
  const plane = await openDataPlane({ groups: [{ name: 'g', upstreams, keys, settings, ...more }] })
  const ask = async (times: number): Promise<number[]> => {
    const statuses: number[] = []
    for (let turn = 0; turn < times; turn += 1) statuses.push((await send(plane.port, chat('g'))).status)
    return statuses
  }
  const close = async () => {
    await plane[Symbol.asyncDispose]()
    await bad.close()
    await good.close()
  }
  return { bad, good, plane, ask, [Symbol.asyncDispose]: close }
}

const ok = (times: number): number[] => Array.from({ length: times }, () => 200)
/** From now on; 200 = it works again. */
function breaks(provider: FakeProvider, status: number): void {
  provider.everyKey.recover()
  if (status !== 200) provider.everyKey.respond({ status, body: '{}' })
}

suite('circuits of upstreams', () => {
  test('one that fails is left alone after the threshold, costs no key and no request, and is tried again', async () => {
    await using pair = await openPair()
    breaks(pair.bad, 500)
    assert.deepEqual(await pair.ask(12), ok(12))
    assert.equal(pair.bad.requests.length, 3, 'three failures, then nothing')
    assert.deepEqual([pair.plane.stateOf(1), pair.plane.stateOf(2), pair.plane.outcomes], ['active', 'active', []])

    // Its time is over: one trial, which fails, and then peace for twice as long.
    await until(async () => (await pair.ask(1)) && pair.bad.requests.length === 4, { what: 'the trial' })
    assert.deepEqual(await pair.ask(5), ok(5))
    assert.equal(pair.bad.requests.length, 4)

    breaks(pair.bad, 200)
    const before = pair.good.requests.length
    await until(async () => (await pair.ask(1)) && pair.bad.requests.length === 5, { what: 'the second trial' })
    assert.deepEqual(await pair.ask(8), ok(8))
    assert.ok(pair.bad.requests.length >= 5 + 6, 'three of four requests again')
    assert.ok(pair.good.requests.length > before)
  })

  test('a request that finds no key does not use up the trial', async () => {
    await using pair = await openPair()
    breaks(pair.bad, 500)
    assert.deepEqual(await pair.ask(6), ok(6))
    const { upstreamHealth } = pair.plane.services
    await until(() => upstreamHealth.stateOf(8).retryInMs === 0, { what: 'the time of the trial' })
    const setKeys = (state: KeyState, generation: number): void =>
      pair.plane.writer.putStates(
        keys.map((_, index) => stateRow(index + 1, { state, until: 0, generation, failures: 0 })),
        'merge',
      )
    setKeys('invalid', 1)
    assert.deepEqual(await pair.ask(2), [503, 503])
    setKeys('active', 2)
    breaks(pair.bad, 200)
    const before = pair.bad.requests.length
    assert.deepEqual(await pair.ask(1), ok(1))
    assert.equal(pair.bad.requests.length, before + 1)
    assert.equal(upstreamHealth.stateOf(8).state, 'closed')
  })

  test('one that cannot be connected to is left alone as well', async () => {
    await using pair = await openPair()
    await pair.bad.close()
    assert.deepEqual(await pair.ask(10), ok(10))
    const attempts = pair.plane.events.map((event) => event.attempts.length)
    assert.deepEqual(attempts.slice(-4), [1, 1, 1, 1])
    assert.equal(attempts.filter((count) => count > 1).length, 3)
  })

  test('a limited key or a wrong request says nothing about the upstream', async () => {
    await using pair = await openPair({ settings: { ...settings, failover_status_codes: '429' } })
    for (const status of [400, 404, 429, 401]) {
      breaks(pair.bad, status)
      await pair.ask(6)
    }
    assert.deepEqual(pair.plane.services.upstreamHealth.stateOf(8), {
      state: 'closed',
      retryInMs: 0,
      consecutiveFailures: 0,
      openings: 0,
      isThrottled: false,
    })
  })

  test('the only upstream is asked all the same, and its first answer closes the circuit', async () => {
    await using pair = await openPair({ upstreams: [], settings: { ...settings, max_retries: 0 } })
    const only = pair.bad
    const group = { name: 'single', upstreams: [only.url], keys, settings: { ...settings, max_retries: 0 } }
    await using plane = await openDataPlane({ groups: [group] })
    breaks(only, 503)
    for (let turn = 0; turn < 6; turn += 1) assert.equal((await send(plane.port, chat('single'))).status, 503)
    assert.equal(only.requests.length, 6)
    assert.equal(plane.services.upstreamHealth.stateOf(8).state, 'open')
    breaks(only, 200)
    assert.equal((await send(plane.port, chat('single'))).status, 200)
    assert.equal(plane.services.upstreamHealth.stateOf(8).state, 'closed')
  })

  test('a member whose upstreams are all open comes last in its aggregate', async () => {
    await using pair = await openPair()
    const members = [
      { group_id: 2, weight: 9 },
      { group_id: 3, weight: 1 },
    ]
    const own = { settings: { ...settings, max_retries: 0 } }
    await using plane = await openDataPlane({
      groups: [
        { name: 'all', kind: 'aggregate', members },
        { name: 'a', upstreams: [pair.bad.url], keys: ['sk-key-of-a-0000000001'], ...own },
        { name: 'b', upstreams: [pair.good.url], keys: ['sk-key-of-b-0000000001'], ...own },
      ],
    })
    breaks(pair.bad, 502)
    for (let turn = 0; turn < 10; turn += 1) assert.equal((await send(plane.port, chat('all'))).status, 200)
    assert.deepEqual([pair.bad.requests.length, pair.good.requests.length], [3, 10])
  })

  test('what one key has made is asked of its member also while the circuit is open', async () => {
    await using pair = await openPair()
    const members = [
      { group_id: 2, weight: 1 },
      { group_id: 3, weight: 1 },
    ]
    const own = { settings: { ...settings, max_retries: 0, upstream_open_ms: 60_000 } }
    await using plane = await openDataPlane({
      groups: [
        { name: 'all', kind: 'aggregate', members },
        { name: 'a', upstreams: [pair.bad.url], keys: ['sk-key-of-a-0000000001'], ...own },
        { name: 'b', upstreams: [pair.good.url], keys: ['sk-key-of-b-0000000001'], ...own },
      ],
    })
    const read = () => send(plane.port, { method: 'GET', target: '/proxy/all/v1/files/file-1', headers: [bearer] })
    await read()
    const maker = pair.bad.requests.length === 1 ? pair.bad : pair.good
    breaks(maker, 502)
    for (let turn = 0; turn < 8; turn += 1) await read()
    assert.equal(maker.requests.length, 9)
  })
})
