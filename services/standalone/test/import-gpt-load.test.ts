import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import { startProcess } from '@gpt-load/testkit/child-process'
import { until } from '@gpt-load/testkit/until'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { join } from 'node:path'
import { start, temporaryFolder } from './support/standalone.ts'

const gptload = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))

test('access keys and provider keys of a GPT-Load 1.x work on the proxy as soon as they are imported', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  provider.refuseUnknownKeys('sk-imported-key-1')
  const folder = temporaryFolder()
  await using standalone = await start({ folder })
  const source = join(folder, 'old.db')
  const client = createSqliteSqlClient(source)
  await client.execute(
    'CREATE TABLE "groups" (id INTEGER PRIMARY KEY, name TEXT, channel_type TEXT, upstreams TEXT, proxy_keys TEXT)',
  )
  await client.execute('CREATE TABLE api_keys (id INTEGER PRIMARY KEY, key_value TEXT, group_id INTEGER, status TEXT)')
  await client.execute('CREATE TABLE system_settings (id INTEGER PRIMARY KEY, setting_key TEXT, setting_value TEXT)')
  const upstreams = JSON.stringify([{ url: provider.url, weight: 1 }])
  const addGroup = 'INSERT INTO "groups" VALUES (?, ?, ?, ?, ?)'
  await client.execute(addGroup, [1, 'old', 'openai', upstreams, 'short-key'])
  await client.execute(addGroup, [2, 'another', 'openai', upstreams, ''])
  await client.execute("INSERT INTO api_keys VALUES (1, 'sk-imported-key-1', 1, 'active')")
  await client.execute("INSERT INTO system_settings VALUES (1, 'proxy_keys', 'sk-global-444444444444')")
  await client.close()

  const args = [gptload, 'import-gpt-load', source, '--data-dir', join(folder, 'data')]
  await using run = await startProcess({ name: 'gptload', command: process.execPath, args, readyPattern: /^settings/ })
  assert.equal((await run.exit).code, 0)

  for (const key of ['short-key', 'sk-global-444444444444']) {
    const served = async () => (await standalone.call('/proxy/old/v1/models', { key })).status === 200
    await until(served, { what: `${key} to be served` })
  }
  assert.equal((await standalone.call('/proxy/another/v1/models', { key: 'short-key' })).status, 403)
  // The unused group of the first start has given way.
  assert.equal((await standalone.call('/proxy/default/v1/models', { key: 'short-key' })).status, 404)
})
