import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { chat } from '../support/chat-request.ts'
import { send } from '../support/http-message.ts'
import { openDataPlane } from '../support/open-data-plane.ts'

const keyCount = 50
const requests = process.env['GPTLOAD_TEST_LONG'] === '1' ? 10_000 : 1_000
const callers = 20

const messages = [
  'insufficient quota in field "plan"',
  "Unknown word: 'invalid api key'",
  'billing_hard_limit_reached is not a tool',
  'Rate limit reached for messages[0].content',
  '{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}',
  '{"error":{"code":"invalid_api_key"}}',
]

test(`${requests} malformed requests, whatever words of theirs the provider echoes, cost no key`, async () => {
  await using provider = await startFakeProvider({ dialect: 'openai', maxRecordedRequests: 0 })
  const keys = Array.from({ length: keyCount }, (_, n) => `sk-key-of-the-pool-${String(n).padStart(4, '0')}`)
  const settings = { blacklist_threshold: 1, max_retries: 5 }
  await using plane = await openDataPlane({ groups: [{ name: 'g', upstreams: [provider.url], keys, settings }] })
  let turn = 0
  const caller = async (): Promise<void> => {
    while (turn < requests) {
      const number = turn
      turn += 1
      const status = [400, 404, 413, 422][number % 4]!
      const message = messages[number % messages.length]!
      provider.everyKey.recover().respond({ status, body: { error: { message, type: 'invalid_request_error' } } })
      const answer = await send(plane.port, chat('g', { echo: message }))
      assert.ok([400, 404, 413, 422].includes(answer.status), String(answer.status))
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const states = keys.map((_, index) => plane.stateOf(index + 1))
  assert.deepEqual([...new Set(states)], ['active'])
  assert.deepEqual(plane.outcomes, [])
  assert.equal(provider.total.requests, requests, 'and none was tried on a second key')
})
