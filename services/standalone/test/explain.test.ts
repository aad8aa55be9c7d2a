import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Explanation } from '@gpt-load/contracts/explanation'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { gptload } from './support/gptload.ts'
import { start, temporaryFolder } from './support/standalone.ts'

const authKey = 'an-admin-key-of-my-own'

test('a request, and a logged one, are explained by the edge over API and CLI, and nothing is sent', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  const folder = temporaryFolder()
  await using running = await start({ folder, env: { AUTH_KEY: authKey } })
  const post = async (path: string, body: object) => {
    const answer = await running.call(`/api/v1/${path}`, { key: authKey, method: 'POST', body })
    assert.ok(answer.ok, await answer.clone().text())
    return (await answer.json()) as { id: number; key: string }
  }
  const upstreams = [{ url: provider.url }]
  const { id } = await post('groups', { name: 'g', channel: 'openai', upstreams, settings: { max_retries: 1 } })
  await post(`groups/${id}/keys`, { keys: ['sk-a-key-of-the-test-0001', 'sk-a-key-of-the-test-0002'] })
  const caller = await post('access-keys', { name: 'caller', all_groups: true })

  const body = {
    group: 'g',
    access_key_id: caller.id,
    headers: { Authorization: 'Bearer nothing' },
    body: { model: 'm' },
  }
  const explanation = (await post('explain', body)) as unknown as Explanation
  assert.deepEqual([explanation.refusal, explanation.group, explanation.model], [null, 'g', 'm'])
  assert.equal(explanation.candidates[0]?.active, 2)
  assert.equal(explanation.ladders.find(({ on_status: on }) => on === 429)?.steps.length, 2)
  assert.ok(!JSON.stringify(explanation).includes('sk-a-key-of-the-test'))
  assert.equal(provider.requests.length, 0)

  const chat = { model: 'gpt-4.1-nano', messages: [] }
  const answer = await running.call('/proxy/g/v1/chat/completions', { key: caller.key, method: 'POST', body: chat })
  const requestId = answer.headers.get('x-gptload-request-id')!
  await answer.text()
  await until(async () => (await running.call(`/api/v1/logs/${requestId}`, { key: authKey })).ok, { what: 'the log' })
  const logged = (await post('explain', { request_id: requestId })) as unknown as Explanation
  assert.equal(logged.attempt?.url, `${provider.url}/v1/chat/completions`)
  const cli = (...args: string[]) =>
    gptload(args, { cwd: folder, env: { GPTLOAD_SERVER: running.url, GPTLOAD_TOKEN: authKey } })
  const told = await cli('explain', '--request', requestId)
  assert.equal(told.code, 0, told.stderr)
  assert.match(told.stdout, /group g, access key \d+ \(caller\), model gpt-4\.1-nano\nadmitted; key by rotation/)
  assert.match(told.stdout, /g: 2 of 2 keys usable/)
  const refused = await cli('explain', '--request', requestId, '--group', 'nowhere')
  assert.deepEqual([refused.code, refused.stdout.includes('404 NOT_FOUND')], [1, true])
  const silent = await running.call('/api/v1/explain', { key: authKey, method: 'POST', body: { edge: 'nobody' } })
  assert.equal(silent.status, 400)
  assert.equal(provider.requests.length, 1)
})
