import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { start, temporaryFolder } from './support/standalone.ts'

const secretOf = (folder: string, name: string) => readFileSync(join(folder, 'data', name), 'utf8').trim()

describe('a new installation', () => {
  test('serves the printed call as soon as a key is added; its secrets are files of mode 0600 and nowhere printed', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const folder = temporaryFolder()
    await using standalone = await start({ folder, env: { OPENAI_BASE_URL: provider.url } })
    const [adminKey, accessKey] = [secretOf(folder, 'admin-key'), secretOf(folder, 'access-key')]
    for (const name of ['admin-key', 'access-key', 'master-key', 'edge-token', 'gpt-load.db', 'logs.db'])
      assert.equal(statSync(join(folder, 'data', name)).mode & 0o077, 0, name)
    // /readyz may be asked before the greeting has been printed.
    await until(() => standalone.process.output().includes('curl http'), { what: 'the greeting' })
    const printed = standalone.process.output()
    for (const name of ['admin-key', 'access-key', 'master-key', 'edge-token'])
      assert.ok(!printed.includes(secretOf(folder, name)), name)
    const line = /curl (http:\S+) -H "Authorization: Bearer \$\(cat '(\S+)'\)"/.exec(printed)
    assert.ok(line, printed)
    assert.equal(readFileSync(line[2]!, 'utf8').trim(), accessKey)
    const path = new URL(line[1]!).pathname
    const refused = await standalone.call(path, { key: accessKey })
    assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [503, 'NO_KEYS_AVAILABLE'])
    const added = await standalone.call('/api/v1/groups/1/keys', {
      key: adminKey,
      method: 'POST',
      body: { keys: ['sk-first-0123456789abcdef'] },
    })
    assert.equal(added.status, 200, await added.text())
    assert.equal((await standalone.call(path, { key: accessKey })).status, 200)
    assert.equal((await standalone.call('/v1/models', { key: accessKey })).status, 200, 'the root paths too')
  })

  test('forgets the admin key after its first use, and knows it by hash from then on', async () => {
    const folder = temporaryFolder()
    const adminKey = await (async () => {
      await using standalone = await start({ folder })
      const key = secretOf(folder, 'admin-key')
      assert.equal((await standalone.call('/api/v1/status', { key: `${key}x` })).status, 401)
      assert.ok(existsSync(join(folder, 'data', 'admin-key')))
      assert.equal((await standalone.call('/api/v1/status', { key })).status, 200)
      await until(() => !existsSync(join(folder, 'data', 'admin-key')), { what: 'the file to go' })
      return key
    })()
    await using again = await start({ folder })
    assert.equal((await again.call('/api/v1/status', { key: adminKey })).status, 200)
    assert.ok(!existsSync(join(folder, 'data', 'admin-key')))
  })

  test('takes AUTH_KEY in place of a generated admin key', async () => {
    const folder = temporaryFolder()
    await using standalone = await start({ folder, env: { AUTH_KEY: 'an-admin-key-of-my-own' } })
    assert.equal((await standalone.call('/api/v1/status', { key: 'an-admin-key-of-my-own' })).status, 200)
    assert.ok(!existsSync(join(folder, 'data', 'admin-key')))
  })
})

describe('what is not the proxy', () => {
  test('metrics need the admin key or their own token; health and readiness need nothing', async () => {
    const folder = temporaryFolder()
    const env = { AUTH_KEY: 'an-admin-key-of-my-own', METRICS_TOKEN: 'a-token-for-metrics-only' }
    await using standalone = await start({ folder, env })
    assert.equal((await standalone.call('/metrics')).status, 401)
    for (const key of Object.values(env)) {
      const answer = await standalone.call('/metrics', { key })
      assert.equal(answer.status, 200)
      assert.match(await answer.text(), /^gptload_edge_workers 1$/m)
    }
    assert.equal((await standalone.call('/api/v1/status', { key: env.METRICS_TOKEN })).status, 401)
    for (const path of ['/health', '/livez', '/readyz']) assert.equal((await standalone.call(path)).status, 200, path)
  })

  test('a body of many megabytes passes through to the control plane, and its answer back', async () => {
    const folder = temporaryFolder()
    await using standalone = await start({ folder, env: { AUTH_KEY: 'an-admin-key-of-my-own' } })
    const keys = Array.from({ length: 5_000 }, (_, n) => `sk-${String(n).padStart(6, '0')}-${'x'.repeat(200)}`)
    const call = { key: 'an-admin-key-of-my-own', method: 'POST' }
    const added = await standalone.call('/api/v1/groups/1/keys', { ...call, body: { keys } })
    assert.equal(added.status, 200)
    assert.equal(((await added.json()) as { added: number }).added, 5_000)
    const listed = await standalone.call('/api/v1/groups/1/keys?limit=1000', { key: call.key })
    assert.equal(((await listed.json()) as { items: unknown[] }).items.length, 1_000)
  })

  test('SIGTERM ends it with 0, and what was recorded is stored', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const folder = temporaryFolder()
    const key = 'an-admin-key-of-my-own'
    const env = { AUTH_KEY: key, OPENAI_BASE_URL: provider.url }
    {
      await using standalone = await start({ folder, env })
      const accessKey = secretOf(folder, 'access-key')
      await standalone.call('/api/v1/groups/1/keys', { key, method: 'POST', body: { keys: ['sk-only-0123456789'] } })
      for (let n = 0; n < 20; n += 1)
        assert.equal((await standalone.call('/v1/models', { key: accessKey })).status, 200)
      assert.deepEqual(await standalone.process.stop(), { code: 0, signal: null })
    }
    await using again = await start({ folder, env })
    const logs = (await (await again.call('/api/v1/logs', { key })).json()) as { items: { status: number }[] }
    assert.deepEqual(
      logs.items.map(({ status }) => status),
      Array.from({ length: 20 }, () => 200),
    )
  })
})
