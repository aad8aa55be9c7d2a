import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Reconciliation } from '@gpt-load/contracts/api/log-account'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { gptload } from './support/gptload.ts'
import { start, temporaryFolder } from './support/standalone.ts'

const adminKey = 'an-admin-key-of-enough-length'

test('gptload logs: what was served is accounted for, sampled requests too; dead letters are listed and tried again', async () => {
  const folder = temporaryFolder()
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using standalone = await start({ folder, env: { AUTH_KEY: adminKey } })
  const cli = (...args: string[]) =>
    gptload(['logs', ...args], { cwd: folder, env: { GPTLOAD_SERVER: standalone.url, GPTLOAD_TOKEN: adminKey } })
  const post = async (path: string, body: object) =>
    (await (await standalone.call(`/api/v1${path}`, { key: adminKey, method: 'POST', body })).json()) as {
      id: number
      key: string
    }
  const settings = { request_log_sample_percent: 0 }
  const upstreams = [{ url: provider.url }]
  const quiet = await post('/groups', { name: 'quiet', channel: 'openai', upstreams, settings })
  await post(`/groups/${quiet.id}/keys`, { keys: ['sk-quiet-key-abcdefgh'] })
  const { key } = await post('/access-keys', { name: 'caller', group_ids: [quiet.id] })
  const ask = (path: string) => standalone.call(`/proxy/quiet/v1${path}`, { key })
  for (let turn = 0; turn < 5; turn += 1) assert.equal((await ask('/models')).status, 200)
  assert.equal((await standalone.call('/proxy/quiet/v1/models', { key: 'wrong' })).status, 401)

  const reconciled = async () => JSON.parse((await cli('reconcile', '--json')).stdout) as Reconciliation
  await until(async () => (await reconciled()).in_flight === 0 && (await reconciled()).served === 6, {
    what: 'all records',
    timeoutMs: 20_000,
    intervalMs: 300,
  })
  const whole = await cli('reconcile')
  assert.equal(whole.code, 0, whole.stderr)
  assert.match(whole.stdout, /^nothing is missing: 6 served = 1 committed \+ 5 sampled out;/)
  const logged = await standalone.call('/api/v1/logs', { key: adminKey })
  assert.equal(((await logged.json()) as { items: object[] }).items.length, 1)
  const overview = await standalone.call('/api/v1/stats/overview', { key: adminKey })
  const { requests } = (await overview.json()) as { requests: { last_hour: { requests: number } } }
  assert.equal(requests.last_hour.requests, 6)

  assert.equal((await cli('dead-letter', 'list')).stdout, 'no dead letters\n')
  const sql = createSqliteSqlClient(join(folder, 'data', 'logs.db'))
  await sql.execute(
    `INSERT INTO log_dead_letters (kind, state, reason, topic, partition_id, record_offset, source, edge, first_sequence, event_count, bytes, lettered_at, settled_at)
     VALUES ('record', 'waiting', 'of another version', 'local', 0, 7, '', '', 0, 0, ?, 1, 0)`,
    [Buffer.from('not a log batch')],
  )
  await sql.close()
  assert.match(
    (await cli('dead-letter', 'list')).stdout,
    /record waiting: of another version\n {4}local\/0 at 7, 15 bytes/,
  )
  const replayed = await cli('dead-letter', 'replay')
  assert.deepEqual([replayed.code, replayed.stdout], [1, '1 letters were tried again\n'], replayed.stderr)
  assert.match((await cli('dead-letter', 'list', '--state', 'refused')).stdout, /record refused: not a log batch/)
  assert.match((await cli('dead-letter', 'replay', '99')).stdout, /no such letter waits/)
})

test('gptload logs content shows what a group records, by the id that the caller got', async () => {
  const folder = temporaryFolder()
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using standalone = await start({ folder, env: { AUTH_KEY: adminKey } })
  const cli = (...args: string[]) =>
    gptload(['logs', 'content', ...args], {
      cwd: folder,
      env: { GPTLOAD_SERVER: standalone.url, GPTLOAD_TOKEN: adminKey },
    })
  const post = async (path: string, body: object) =>
    (await (await standalone.call(`/api/v1${path}`, { key: adminKey, method: 'POST', body })).json()) as {
      id: number
      key: string
    }
  const settings = { enable_request_body_logging: true }
  const upstreams = [{ url: provider.url }]
  const group = await post('/groups', { name: 'recorded', channel: 'openai', upstreams, settings })
  await post(`/groups/${group.id}/keys`, { keys: ['sk-recorded-key-abcdefgh'] })
  const { key } = await post('/access-keys', { name: 'caller', group_ids: [group.id] })
  const body = { model: 'gpt-4.1-nano', messages: [{ role: 'user', content: `jane@example.com ${key}` }] }
  const answer = await standalone.call('/proxy/recorded/v1/chat/completions', { key, method: 'POST', body })
  const id = answer.headers.get('x-gptload-request-id') ?? ''
  await until(async () => (await cli(id, '--only', 'request')).stdout.includes('gpt-4.1-nano'), {
    what: 'the body',
    timeoutMs: 20_000,
    intervalMs: 200,
  })
  const shown = await cli(id)
  const expected = JSON.stringify(body).replace('jane@example.com', '[email]').replace(key, '[key]')
  assert.equal(shown.stdout, `-- request: application/json\n${expected}\n-- response: not recorded\n\n`)
  assert.equal((await cli(id, '--only', 'request')).stdout, `${expected}\n`)
  const unknown = await cli('no-such-request')
  assert.notEqual(unknown.code, 0)
  assert.match(unknown.stderr, /There is no such request/)
})
