import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = Array.from({ length: 50 }, (_, index) => `sk-key-of-a-large-pool-${String(index).padStart(4, '0')}`)
const limit = { status: 429, headers: { 'retry-after': '60' }, body: '{"error":{"type":"requests"}}' }
const settings = { upstream_storm_keys: 8, upstream_open_ms: 400, max_retries: 9, rate_limit_cooldown_ms: 60_000 }

async function openPair(more: Partial<TestGroup> = {}) {
  const one = await startFakeProvider({ dialect: 'openai' })
  const two = await startFakeProvider({ dialect: 'openai' })
  const plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [one.url, two.url], keys, settings, ...more }] })
  // Deadlines are the main thread's business.
  plane.writer.start()
  const ask = async (times: number) => {
    const answers = await Promise.all(Array.from({ length: times }, () => send(plane.port, chat('g'))))
    return answers.filter(({ status }) => status === 200).length
  }
  const out = () => keys.filter((_, index) => plane.stateOf(index + 1) !== 'active').length
  const close = async () => {
    await plane[Symbol.asyncDispose]()
    await one.close()
    await two.close()
  }
  return { one, two, plane, ask, out, [Symbol.asyncDispose]: close }
}

suite('a storm of rate limits', () => {
  test('of one upstream of two costs no key: traffic goes to the other, and it is tried again', async () => {
    await using pair = await openPair()
    const { one, two, plane } = pair
    one.everyKey.respond(limit)
    assert.equal(await pair.ask(200), 200)
    const refused = one.requests.length
    assert.ok(refused < 120, `${refused} requests went to the throttled upstream`)
    const slots = [...plane.services.policies.plans()][0]!.upstreams.map(({ healthSlot }) => healthSlot)
    const states = slots.map((slot) => plane.services.upstreamHealth.stateOf(slot))
    assert.deepEqual(
      states.map(({ isThrottled }) => isThrottled),
      [true, false],
    )
    await until(() => pair.out() === 0, { what: 'the return of the keys that were at rest' })
    assert.deepEqual(plane.outcomes, [], 'nothing is told about any key')

    // It goes on limiting: a trial renews its rest, and costs no key either.
    await until(async () => (await pair.ask(2)) === 2 && one.requests.length > refused, { what: 'a trial' })
    assert.deepEqual([pair.out(), plane.outcomes.length], [0, 0])

    one.everyKey.recover()
    const before = one.requests.length
    await until(async () => (await pair.ask(2)) === 2 && one.requests.length >= before + 4, { what: 'its return' })
    assert.equal(plane.services.upstreamHealth.isThrottled(slots[0]!), false)
    assert.ok(two.requests.length > 0)
  })

  test('of every upstream is of the keys, from the moment that none is left to go to', async () => {
    await using pair = await openPair()
    pair.one.everyKey.respond(limit)
    pair.two.everyKey.respond(limit)
    assert.equal(await pair.ask(30), 0)
    await until(() => pair.plane.outcomes.length > 0, { what: 'the first key that is limited for its own sake' })
    const told = pair.plane.outcomes.every(({ facts }) => facts.state === 'cooling')
    assert.ok(told && pair.out() > 0)
  })

  test('is none when few keys are limited: those are out as the provider says, once the second is over', async () => {
    await using pair = await openPair()
    for (const key of keys.slice(0, 3)) pair.one.key(key).respond(limit)
    assert.equal(await pair.ask(100), 100)
    await until(() => pair.plane.outcomes.length >= 2, { what: 'their judgement' })
    await until(() => pair.out() === pair.plane.outcomes.length, { what: 'the end of the window' })
    const left = pair.plane.outcomes.map(({ facts }) => Math.round((facts.until - Date.now()) / 1_000))
    assert.ok(
      left.every((seconds) => seconds > 50),
      `until the deadline that the provider named: ${left}`,
    )
  })

  test('is not looked for in a group with one upstream, or with the setting at 0', async () => {
    for (const more of [{ settings: { ...settings, upstream_storm_keys: 0 } }, 'alone'] as const) {
      await using pair = await openPair(more === 'alone' ? {} : more)
      await using alone = await openDataPlane({ groups: [{ name: 'g', upstreams: [pair.one.url], keys, settings }] })
      const plane = more === 'alone' ? alone : pair.plane
      pair.one.everyKey.respond(limit)
      await send(plane.port, chat('g'))
      await until(() => plane.outcomes.length > 0, { what: 'an outcome' })
    }
  })
})
