import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { gptload } from './support/gptload.ts'
import { start, temporaryFolder } from './support/standalone.ts'

const authKey = 'an-admin-key-of-my-own'

test('an observed rule says what it would have done, decides nothing, and is put in force by one command', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  const secret = 'sk-a-key-of-the-test-0001'
  provider.limitKey(secret, { requests: 1, windowMs: 3_600_000 })
  const folder = temporaryFolder()
  await using running = await start({ folder, env: { AUTH_KEY: authKey } })
  const post = async (path: string, body: object) => {
    const answer = await running.call(`/api/v1/${path}`, { key: authKey, method: 'POST', body })
    assert.ok(answer.ok, await answer.clone().text())
    return (await answer.json()) as { id: number; key: string }
  }
  const settings = { error_rules: '# asked for\nobserve 429 -> invalidate', learn_key_quotas: false }
  const { id } = await post('groups', { name: 'g', channel: 'openai', upstreams: [{ url: provider.url }], settings })
  await post(`groups/${id}/keys`, { keys: [secret] })
  const caller = await post('access-keys', { name: 'caller', all_groups: true })
  const cli = (...args: string[]) =>
    gptload(['rules', 'g', ...args], { cwd: folder, env: { GPTLOAD_SERVER: running.url, GPTLOAD_TOKEN: authKey } })
  assert.equal((await cli()).stdout, 'no observed rule has matched\n')

  const chat = { model: 'gpt-4.1-nano', messages: [] }
  for (let n = 0; n < 2; n += 1)
    await (await running.call('/proxy/g/v1/chat/completions', { key: caller.key, method: 'POST', body: chat })).text()
  const shown = await until(
    async () => {
      const { stdout } = await cli()
      return stdout.startsWith('observe') ? stdout : null
    },
    { what: 'the edge to tell of the rule' },
  )
  assert.match(
    shown,
    /^observe 429 -> invalidate: matched \d+ times, would have decided otherwise .* [1-9]\d* times; 0 of/,
  )
  const key = async () => {
    const answer = await running.call(`/api/v1/groups/${id}/keys`, { key: authKey })
    return ((await answer.json()) as { items: { state: string }[] }).items[0]
  }
  await until(async () => (await key())?.state === 'cooling', { what: 'the key to cool, as without the rule' })

  const unknown = await cli('--promote', 'observe 402 -> invalidate')
  assert.deepEqual([unknown.code, unknown.stderr.includes('has no rule "observe 402')], [1, true])
  const promoted = await cli('--promote', 'observe 429 -> invalidate')
  assert.deepEqual([promoted.code, promoted.stdout], [0, 'in force: 429 -> invalidate\n'])
  const group = (await (await running.call(`/api/v1/groups/${id}`, { key: authKey })).json()) as {
    settings: { error_rules: string }
  }
  assert.equal(group.settings.error_rules, '# asked for\n429 -> invalidate')
})
