import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import type { ProgrammedAnswer } from '@gpt-load/testkit/upstreams/provider/key-program'
import { bearer } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const list = { object: 'list', data: [{ id: 'up-1', object: 'model', created: 5, owned_by: 'x' }] }
const rules = { model_redirects: { mine: 'up-1', 'pattern-*': 'up-1' } }
type List = { data: { id: string }[] }

async function listed(group: Partial<TestGroup>, answer: ProgrammedAnswer, target = '/v1/models') {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using plane = await openDataPlane({
    groups: [{ name: 'g', upstreams: [provider.url], keys: ['sk-first-key-000000001'], ...group }],
  })
  provider.everyKey.respond(answer)
  const message = await send(plane.port, { method: 'GET', target: `/proxy/g${target}`, headers: [bearer] })
  const event = await plane.nextEvent()
  assert.equal(event.attempts.length, message.status === 404 && provider.requests.length === 0 ? 0 : 1)
  return message
}

suite('model lists', () => {
  test('without rules pass byte for byte', async () => {
    const body = JSON.stringify(list, null, 3)
    const answer = await listed({}, { body, headers: { 'content-type': 'application/json', etag: '"1"' } })
    assert.deepEqual([answer.body, answer.header('etag')], [body, '"1"'])
  })

  test("loose rules add their sources to the upstream's list; status and headers stay the upstream's", async () => {
    const answer = await listed(rules, { status: 203, body: list, headers: { 'X-Up': 'yes', etag: '"1"' } })
    assert.deepEqual(
      answer.json<List>().data.map(({ id }) => id),
      ['up-1', 'mine'],
    )
    assert.deepEqual([answer.status, answer.header('x-up'), answer.header('etag')], [203, 'yes', undefined])
    assert.equal(answer.header('content-length'), String(Buffer.byteLength(answer.body, 'latin1')))
  })

  test('strict rules leave their sources only', async () => {
    const answer = await listed({ ...rules, model_redirect_strict: true }, { body: list })
    assert.deepEqual(
      answer.json<List>().data.map(({ id }) => id),
      ['mine'],
    )
  })

  test('a compressed list is decoded first', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const answer = await listed(rules, { body: gzipSync(JSON.stringify(list)), headers })
    assert.equal(answer.header('content-encoding'), undefined)
    assert.equal(answer.json<List>().data.length, 2)
  })

  test('what is no list passes byte for byte, damaged and oversized ones too', async () => {
    for (const body of ['{"data":', 'plain', `{"data":[{"id":"${'x'.repeat(5_000_000)}"}]}`]) {
      const answer = await listed(rules, { body, headers: { 'content-type': 'application/json' } })
      assert.ok(answer.body === body)
    }
  })

  test('an error is no list', async () => {
    const answer = await listed({ ...rules, settings: { max_retries: 0 } }, { status: 500, body: list })
    assert.deepEqual([answer.status, answer.body], [500, JSON.stringify(list)])
  })

  test('one model that a strict list does not name is 404, another one passes', async () => {
    const strict = { ...rules, model_redirect_strict: true }
    assert.equal((await listed(strict, { body: {} }, '/v1/models/other')).status, 404)
    assert.equal((await listed(strict, { body: {} }, '/v1/models/mine')).status, 200)
  })
})
