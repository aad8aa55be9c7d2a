import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { bearer, chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { hashOf, openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

/** Group 1 is the aggregate of 2 and 3. */
function groups(
  a: FakeProvider,
  b: FakeProvider,
  more: { all?: Partial<TestGroup>; a?: Partial<TestGroup>; b?: Partial<TestGroup> } = {},
): TestGroup[] {
  const members = [
    { group_id: 2, weight: 2 },
    { group_id: 3, weight: 1 },
  ]
  return [
    { name: 'all', kind: 'aggregate', members, ...more.all },
    { name: 'a', upstreams: [a.url], keys: ['sk-key-of-a-0000000001'], ...more.a },
    { name: 'b', upstreams: [b.url], keys: ['sk-key-of-b-0000000001'], ...more.b },
  ]
}

type Plan = Parameters<typeof groups>[2]

async function open(more: Plan = {}) {
  const a = await startFakeProvider({ dialect: 'openai' })
  const b = await startFakeProvider({ dialect: 'openai' })
  const plane = await openDataPlane({ groups: groups(a, b, more) })
  const counts = () => [a.requests.length, b.requests.length]
  const close = async () => {
    await plane[Symbol.asyncDispose]()
    await a.close()
    await b.close()
  }
  return { a, b, plane, counts, [Symbol.asyncDispose]: close }
}

suite('aggregates', () => {
  test('spread requests over members by weight, and the record names both groups', async () => {
    await using all = await open()
    for (let turn = 0; turn < 6; turn += 1) assert.equal((await send(all.plane.port, chat('all'))).status, 200)
    assert.deepEqual(all.counts(), [4, 2])
    const event = await all.plane.nextEvent()
    assert.deepEqual([event.groupName, event.memberGroupName, event.attempts[0]!.groupId], ['all', 'a', 2])
  })

  test('the retry spans members: the next one serves when one has nothing left', async () => {
    await using all = await open()
    all.a.everyKey.limit({ retryAfterS: 60 })
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await send(all.plane.port, chat('all'))).status, 200)
    assert.deepEqual(all.counts(), [1, 3], 'a member without usable keys is skipped')
    const event = await all.plane.nextEvent()
    assert.deepEqual(
      event.attempts.map(({ groupId, status }) => [groupId, status]),
      [
        [2, 429],
        [3, 200],
      ],
    )
    assert.equal(event.memberGroupName, 'b')
  })

  test("a member's own attempts are bounded by its max_retries, then the next member is tried", async () => {
    await using all = await open({ a: { settings: { max_retries: 1 } } })
    all.a.everyKey.fail('server-error')
    assert.equal((await send(all.plane.port, chat('all'))).status, 200)
    assert.deepEqual(all.counts(), [2, 1])
  })

  test('a disabled member and one of weight 0 get no traffic', async () => {
    await using all = await open({ a: { enabled: false } })
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await send(all.plane.port, chat('all'))).status, 200)
    assert.deepEqual(all.counts(), [0, 3])
    const members = [
      { group_id: 2, weight: 0 },
      { group_id: 3, weight: 1 },
    ]
    await using weightless = await open({ all: { members } })
    assert.equal((await send(weightless.plane.port, chat('all'))).status, 200)
    assert.deepEqual(weightless.counts(), [0, 1])
  })

  test('members that do not offer the model are skipped; none left is 404', async () => {
    const strict = { model_redirects: { special: 'x' }, model_redirect_strict: true }
    await using all = await open({ a: strict })
    for (let turn = 0; turn < 3; turn += 1) await send(all.plane.port, chat('all', { model: 'other' }))
    assert.deepEqual(all.counts(), [0, 3])
    await using none = await open({ a: strict, b: strict })
    const answer = await send(none.plane.port, chat('all', { model: 'other' }))
    assert.deepEqual([answer.status, answer.json<{ code: string }>().code], [404, 'MODEL_NOT_ALLOWED'])
    assert.deepEqual(none.counts(), [0, 0])
    const event = await none.plane.nextEvent()
    assert.equal(event.modelRequested, 'other')
  })

  test('no key in any member is 503; all limited is 429 with the earliest return', async () => {
    await using all = await open({ a: { keys: [] }, b: { keys: [] } })
    assert.equal((await send(all.plane.port, chat('all'))).status, 503)
    await using limited = await open()
    limited.a.everyKey.limit({ retryAfterS: 30 })
    limited.b.everyKey.limit({ retryAfterS: 90 })
    await send(limited.plane.port, chat('all'))
    const answer = await send(limited.plane.port, chat('all'))
    assert.equal(answer.status, 429)
    // A deadline may be put off by a tenth, so that keys do not return all at once.
    assert.match(answer.header('retry-after')!, /^(29|3[0-3])$/)
  })

  test("the aggregate's own shaping comes before the member's", async () => {
    await using all = await open({
      all: {
        model_redirects: { alias: 'middle' },
        param_overrides: { n: 1, seed: 1 },
        header_rules: [
          { key: 'X-Who', value: 'all', action: 'set' },
          { key: 'X-Outer', value: 'yes', action: 'set' },
        ],
      },
      a: {
        model_redirects: { middle: 'real' },
        param_overrides: { n: 2 },
        header_rules: [{ key: 'X-Who', value: '${GROUP_NAME}', action: 'set' }],
      },
    })
    await send(all.plane.port, chat('all', { model: 'alias' }))
    const [request] = all.a.requests
    const { model, n, seed } = request!.json() as Record<string, unknown>
    assert.deepEqual([model, n, seed, request!.header('x-who')], ['real', 2, 1, 'a'])
    assert.equal(request!.header('x-outer'), 'yes')
  })

  test('an access key of the aggregate opens it, not its members', async () => {
    await using a = await startFakeProvider({ dialect: 'openai' })
    await using b = await startFakeProvider({ dialect: 'openai' })
    const accessKeys = [{ all_groups: false, group_ids: [1] }]
    await using plane = await openDataPlane({ groups: groups(a, b), accessKeys })
    assert.equal((await send(plane.port, chat('all'))).status, 200)
    assert.equal((await send(plane.port, chat('a'))).status, 403)
  })

  test('stateful paths meet the same member and key every time', async () => {
    await using all = await open()
    for (const provider of [all.a, all.b]) provider.everyKey.respond({ status: 200, body: '{}' })
    for (let turn = 0; turn < 6; turn += 1)
      await send(all.plane.port, { method: 'GET', target: '/proxy/all/v1/files/file-1', headers: [bearer] })
    assert.ok(all.counts().includes(6), `spread as ${all.counts().join()}`)
  })

  test('stateful paths of many access keys are spread over members by weight', async () => {
    await using a = await startFakeProvider({ dialect: 'openai' })
    await using b = await startFakeProvider({ dialect: 'openai' })
    const tokens = Array.from({ length: 60 }, (_, index) => `access-key-number-${index}`)
    const accessKeys = tokens.map((token) => ({ hash: hashOf(token) }))
    await using plane = await openDataPlane({ groups: groups(a, b), accessKeys })
    for (const provider of [a, b]) provider.everyKey.respond({ status: 200, body: '{}' })
    for (const token of tokens)
      await send(plane.port, { method: 'GET', target: '/proxy/all/v1/files', headers: [`api-key: ${token}`] })
    assert.ok(a.requests.length >= 30 && b.requests.length >= 10, `${a.requests.length}:${b.requests.length}`)
  })
})
