import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane, type TestGroup } from '../support/open-data-plane.ts'

const keys = ['sk-first-key-000000001', 'sk-second-key-00000002', 'sk-third-key-000000003']

function group(provider: FakeProvider, more: Partial<TestGroup> = {}): TestGroup {
  return { name: 'g', upstreams: [provider.url], keys, ...more }
}

suite('key rotation', () => {
  test('uses the keys of a group in turn', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using plane = await openDataPlane({ groups: [group(provider)] })
    for (let turn = 0; turn < 6; turn += 1) assert.equal((await send(plane.port, chat('g'))).status, 200)
    for (const key of keys) assert.equal(provider.countersOf(key).requests, 2)
    assert.equal(plane.outcomes.length, 0, 'a healthy key costs no report')
  })
})
