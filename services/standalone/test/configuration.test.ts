import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { start, temporaryFolder, type Running } from './support/standalone.ts'

const adminKey = 'an-admin-key-of-my-own'
const env = { AUTH_KEY: adminKey }

async function read<T>(standalone: Running, path: string): Promise<T> {
  const answer = await standalone.call(path, { key: adminKey })
  assert.equal(answer.status, 200)
  return (await answer.json()) as T
}

type Keys = { items: { id: number; state: string }[] }
type Status = { revision: number }

describe('a configuration file', () => {
  test('starts a working system; applied again it changes nothing, and what was changed keeps its state', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'keys.list'), '# mine\nsk-file-0001\nsk-file-0002\n')
    writeFileSync(join(folder, '.env'), 'TEAM_A_KEY=team-a-0123456789\nOPENAI_KEY_1=sk-env-0123456789\n')
    writeFileSync(
      join(folder, 'gpt-load.yaml'),
      `version: 1
settings: { request_log_retention_days: 9 }
groups:
  - name: openai-main
    channel: openai
    upstreams: [{ url: '${provider.url}', weight: 3 }]
    keys: ['\${env:OPENAI_KEY_1}', 'sk-literal-0001']
    keys_file: ./keys.list
    settings: { max_retries: 1 }
access_keys:
  - { name: team-a, key: '\${env:TEAM_A_KEY}', groups: ['*'] }
`,
    )
    const args = ['--config', 'gpt-load.yaml']
    let revision = 0
    {
      await using standalone = await start({ folder, args, env })
      const call = { key: 'team-a-0123456789', method: 'POST', body: { model: 'm', messages: [] } }
      for (let n = 0; n < 4; n += 1)
        assert.equal((await standalone.call('/proxy/openai-main/v1/chat/completions', call)).status, 200)
      const used = provider.requests.map(({ key }) => key)
      assert.deepEqual(new Set(used), new Set(['sk-env-0123456789', 'sk-literal-0001', 'sk-file-0001', 'sk-file-0002']))
      const { items } = await read<Keys>(standalone, '/api/v1/groups/1/keys')
      await standalone.call(`/api/v1/keys/${items[0]!.id}/disable`, { key: adminKey, method: 'POST', body: {} })
      const { managed_fields: fields } = await read<{ managed_fields: string[] }>(standalone, '/api/v1/groups/1')
      assert.deepEqual(fields, ['channel', 'name', 'settings.max_retries', 'upstreams'])
      revision = (await read<Status>(standalone, '/api/v1/status')).revision
      assert.doesNotMatch(standalone.process.output(), /sk-env-0123456789|sk-literal-0001|team-a-0123456789/)
    }
    await using again = await start({ folder, args, env })
    assert.equal((await read<Status>(again, '/api/v1/status')).revision, revision)
    const { items } = await read<Keys>(again, '/api/v1/groups/1/keys')
    assert.deepEqual(items.map(({ state }) => state).toSorted(), ['active', 'active', 'active', 'disabled'])
  })
})

describe('the keys file of GPT-Load 0.1', () => {
  test('makes the group default, with AUTH_KEY as access key, and is read again when it grows', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const folder = temporaryFolder()
    const file = join(folder, 'mine.txt')
    writeFileSync(file, 'sk-one-0123456789\n\n# a comment\nsk-two-0123456789\n')
    const standaloneEnv = { ...env, KEYS_FILE: 'mine.txt', OPENAI_BASE_URL: provider.url, MAX_RETRIES: '7' }
    await using standalone = await start({ folder, env: standaloneEnv })
    assert.equal((await standalone.call('/v1/models', { key: adminKey })).status, 200)
    assert.equal((await standalone.call('/proxy/default/v1/models', { key: adminKey })).status, 200)
    const group = await read<{ settings: Record<string, unknown> }>(standalone, '/api/v1/groups/1')
    assert.equal(group.settings['max_retries'], 7)
    appendFileSync(file, 'sk-three-0123456789\n')
    standalone.process.signal('SIGHUP')
    await until(async () => (await read<Keys>(standalone, '/api/v1/groups/1/keys')).items.length === 3, {
      what: 'the third key',
      timeoutMs: 5_000,
    })
    assert.ok(readFileSync(file, 'utf8').includes('sk-three'))
  })
})
