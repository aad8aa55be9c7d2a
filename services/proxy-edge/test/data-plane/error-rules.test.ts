import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = ['sk-key-number-one-0001', 'sk-key-number-two-0002']

async function open(rules: string, more: Partial<TestGroup> = {}) {
  const provider = await startFakeProvider({ dialect: 'openai' })
  const settings = { error_rules: rules, blacklist_threshold: 2, ...more.settings }
  const plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys, ...more, settings }] })
  const ask = async () => (await send(plane.port, chat('g'))).status
  const answer = (key: number, status: number, code: string) =>
    provider.key(keys[key]!).respond({ status, body: { error: { message: 'no', type: 'some_type', code } } })
  const close = async () => {
    await plane[Symbol.asyncDispose]()
    await provider.close()
  }
  return { provider, plane, ask, answer, [Symbol.asyncDispose]: close }
}

const wait = ({ outcomes }: { outcomes: readonly { facts: { until: number } }[] }): number =>
  Math.round(((outcomes[0]?.facts.until ?? 0) - Date.now()) / 60_000)

suite('error rules', () => {
  test('a rule cools or exhausts a key for its time, and another key serves', async () => {
    await using group = await open('402 -> exhaust 6h\n403 busy_today -> cool 10m')
    group.answer(0, 402, 'whatever')
    assert.equal(await group.ask(), 200)
    assert.equal(group.plane.stateOf(1), 'exhausted')
    assert.ok(wait(group.plane) >= 359)
    assert.equal(group.plane.outcomes[0]?.cause.deadline_source, 'operator')

    await using cooled = await open('402 -> exhaust 6h\n403 busy_today -> cool 10m')
    cooled.answer(0, 403, 'busy_today')
    assert.equal(await cooled.ask(), 200)
    assert.equal(cooled.plane.stateOf(1), 'cooling')
  })

  test('invalidate condemns at once, also with threshold 0; count goes by the threshold', async () => {
    await using group = await open('400 account_closed -> invalidate', { settings: { blacklist_threshold: 0 } })
    group.answer(0, 400, 'account_closed')
    assert.equal(await group.ask(), 200)
    assert.equal(group.plane.stateOf(1), 'invalid')

    await using counted = await open('500 -> count', { keys: keys.slice(0, 1) })
    counted.answer(0, 500, 'boom')
    await counted.ask()
    await until(() => counted.plane.stateOf(1) === 'suspect', { what: 'the first count' })
    await counted.ask()
    await until(() => counted.plane.stateOf(1) === 'invalid', { what: 'the threshold' })
  })

  test('ignore spares the key, with the first rule that matches, and says whether to retry', async () => {
    await using group = await open('429 engine_overloaded -> ignore no-retry\n429 -> cool 1h')
    group.answer(0, 429, 'engine_overloaded')
    assert.equal(await group.ask(), 429)
    assert.deepEqual([group.plane.stateOf(1), group.plane.outcomes], ['active', []])
    group.provider.key(keys[0]!).recover()
    group.answer(1, 429, 'too_fast')
    assert.deepEqual([await group.ask(), await group.ask()], [200, 200])
    assert.equal(group.plane.stateOf(2), 'cooling')

    await using passed = await open('401 -> ignore retry')
    passed.answer(0, 401, 'invalid_api_key')
    assert.equal(await passed.ask(), 200)
    assert.deepEqual([passed.plane.stateOf(1), passed.plane.outcomes], ['active', []])
  })

  test('a code inside a quoted error, which may be of a caller, needs another key that accepts the request', async () => {
    const quoted = JSON.stringify({ error: { message: 'no', code: 'account_closed' } })
    await using group = await open('* account_closed -> invalidate', { keys: keys.slice(0, 1) })
    group.provider.everyKey.respond({ status: 400, body: { error: { message: `upstream said: ${quoted}` } } })
    await group.ask()
    await until(() => group.plane.events.length === 1, { what: 'the end of the request' })
    assert.notEqual(group.plane.stateOf(1), 'invalid')
  })

  test('an observed rule changes nothing and is counted, with the keys that went on working', async () => {
    await using group = await open('observe 403 -> exhaust 1h\nobserve 429 -> ignore')
    group.answer(0, 403, 'quota_maybe')
    assert.equal(await group.ask(), 200)
    assert.equal(group.plane.stateOf(1), 'invalid', 'what is in force: refused, and the other key accepted it')
    assert.deepEqual(
      group.plane.observations.map(({ rule, kind }) => [rule, kind]),
      [['observe 403 -> exhaust 1h', 'would_change']],
    )

    await using works = await open('observe 500 -> invalidate', { keys: keys.slice(0, 1) })
    works.provider.everyKey.respond({ status: 500, body: '{}' }, { times: 1 })
    assert.equal(await works.ask(), 200)
    assert.deepEqual(
      works.plane.observations.map(({ kind }) => kind),
      ['would_change', 'succeeded_after'],
    )
    assert.equal(works.plane.stateOf(1), 'active')
  })
})
