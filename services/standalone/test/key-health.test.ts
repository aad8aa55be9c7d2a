import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EdgeList } from '@gpt-load/contracts/api/edge'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { start, temporaryFolder, type Running } from './support/standalone.ts'

const authKey = 'an-admin-key-of-my-own'

async function create(running: Running, path: string, body: object): Promise<{ id: number; key: string }> {
  const answer = await running.call(`/api/v1/${path}`, { key: authKey, method: 'POST', body })
  assert.ok(answer.ok, await answer.clone().text())
  return (await answer.json()) as { id: number; key: string }
}

const ask = async (running: Running, key: string): Promise<number> => {
  const body = { model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }] }
  return (await running.call('/proxy/g/v1/chat/completions', { key, method: 'POST', body })).status
}

test('a dead upstream is avoided by all workers together, seen by the API, and used again when it is back', async () => {
  await using good = await startFakeProvider({ dialect: 'openai' })
  const port = await freePort()
  await using running = await start({ folder: temporaryFolder(), env: { AUTH_KEY: authKey, WORKERS: '2' } })
  const upstreams = [{ url: `http://127.0.0.1:${port}`, weight: 9 }, { url: good.url }]
  const settings = { upstream_failure_threshold: 4, upstream_open_ms: 500 }
  const { id } = await create(running, 'groups', { name: 'g', channel: 'openai', upstreams, settings })
  await create(running, `groups/${id}/keys`, { keys: ['sk-a-key-of-the-test-0001', 'sk-a-key-of-the-test-0002'] })
  const { key } = await create(running, 'access-keys', { name: 'caller', all_groups: true })
  const openUpstreams = async () => {
    const list = (await (await running.call('/api/v1/edges', { key: authKey })).json()) as EdgeList
    return list.items.flatMap((edge) => edge.open_upstreams)
  }
  for (let turn = 0; turn < 20; turn += 1) assert.equal(await ask(running, key), 200)
  const [open] = await until(
    async () => {
      const found = await openUpstreams()
      return found.length > 0 ? found : undefined
    },
    { what: 'the report' },
  )
  assert.deepEqual([open?.group_id, open?.openings === 0], [id, false])
  await running.process.line(/the circuit of an upstream is open/)

  await using back = await startFakeProvider({ dialect: 'openai', port })
  await until(async () => (await ask(running, key)) === 200 && back.requests.length >= 5, {
    what: 'its return',
    timeoutMs: 20_000,
  })
  await until(async () => (await openUpstreams()).length === 0, { what: 'the report of its return' })
})

test('a key that its provider refused returns when the provider takes it again', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using running = await start({ folder: temporaryFolder(), env: { AUTH_KEY: authKey } })
  const settings = { blacklist_threshold: 1 }
  const body = { name: 'g', channel: 'openai', upstreams: [{ url: provider.url }], settings }
  const { id } = await create(running, 'groups', body)
  const { key } = await create(running, 'access-keys', { name: 'caller', all_groups: true })
  await create(running, `groups/${id}/keys`, { keys: ['sk-a-key-of-the-test-0001'] })
  provider.everyKey.revoke({ times: 1 })
  assert.equal(await ask(running, key), 502)
  assert.notEqual(await ask(running, key), 200)
  await until(async () => (await ask(running, key)) === 200, { what: 'the return of the key', timeoutMs: 15_000 })
})
