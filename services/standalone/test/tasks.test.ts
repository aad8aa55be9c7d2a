import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Task } from '@gpt-load/contracts/api/task'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { start, temporaryFolder, type Running } from './support/standalone.ts'

const authKey = 'an-admin-key-of-my-own'
const keysInAll = 100_000

const importKeys = async ({ url }: Running, prefix: string): Promise<Task> => {
  const body = Array.from({ length: keysInAll }, (_, n) => `sk-${prefix}-key-${n}-abcdefgh\n`).join('')
  const headers = { authorization: `Bearer ${authKey}`, 'content-type': 'text/plain' }
  const answer = await fetch(`${url}/api/v1/groups/1/keys/import`, { method: 'POST', headers, body })
  assert.equal(answer.status, 201)
  return (await answer.json()) as Task
}
const read = async <T>(running: Running, path: string): Promise<T> =>
  (await (await running.call(path, { key: authKey })).json()) as T
const readTask = (running: Running, id: number) => read<Task>(running, `/api/v1/tasks/${id}`)
const begun = (running: Running, id: number) =>
  until(
    async () => {
      const task = await readTask(running, id)
      return task.processed > 0 ? task : undefined
    },
    { what: 'the first chunk' },
  )
const ended = (running: Running, id: number) =>
  until(
    async () => {
      const task = await readTask(running, id)
      return task.finished_at === null ? undefined : task
    },
    { what: 'the end of the task', timeoutMs: 60_000, intervalMs: 100 },
  )
const countKeys = async (running: Running) =>
  (await read<{ key_counts: { total: number } }>(running, '/api/v1/groups/1')).key_counts.total

/** One request after the other, as long as `work` takes; answers how many there were and which were not 200. */
async function withTraffic<T>(running: Running, key: string, work: () => Promise<T>) {
  let isOver = false
  const flow = async () => {
    const statuses: number[] = []
    while (!isOver) {
      const answer = await running.call('/v1/models', { key })
      await answer.arrayBuffer()
      statuses.push(answer.status)
    }
    return statuses
  }
  const flowing = flow()
  const result = await work().finally(() => (isOver = true))
  const statuses = await flowing
  return { result, requests: statuses.length, failed: statuses.filter((status) => status !== 200) }
}

test('100,000 keys are imported while traffic flows; one import is cancelled, one survives a kill', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai', maxRecordedRequests: 0 })
  const folder = temporaryFolder()
  const env = { AUTH_KEY: authKey, OPENAI_BASE_URL: provider.url }
  let atKill: Task
  {
    await using standalone = await start({ folder, env })
    const accessKey = readFileSync(join(folder, 'data', 'access-key'), 'utf8').trim()
    const first = await standalone.call('/api/v1/groups/1/keys', {
      key: authKey,
      method: 'POST',
      body: { keys: ['sk-first-0123456789abcdef'] },
    })
    assert.equal(first.status, 200)

    const flow = await withTraffic(standalone, accessKey, async () => {
      const { id } = await importKeys(standalone, 'traffic')
      const events = await (await standalone.call(`/api/v1/tasks/${id}/events`, { key: authKey })).text()
      assert.match(events, /^event: progress\n/)
      assert.match(events, /\nevent: end\ndata: .*"state":"succeeded"/)
      return readTask(standalone, id)
    })
    assert.deepEqual([flow.result.succeeded, flow.failed], [keysInAll, []])
    assert.ok(flow.requests > 20, String(flow.requests))

    const { id: cancelledId } = await importKeys(standalone, 'cancelled')
    await begun(standalone, cancelledId)
    await standalone.call(`/api/v1/tasks/${cancelledId}/cancel`, { key: authKey, method: 'POST' })
    const cancelled = await ended(standalone, cancelledId)
    assert.equal(cancelled.state, 'cancelled')
    assert.ok(cancelled.succeeded < keysInAll)
    assert.equal(await countKeys(standalone), 1 + keysInAll + cancelled.succeeded)

    const { id: killedId } = await importKeys(standalone, 'killed')
    atKill = await begun(standalone, killedId)
    standalone.process.signal('SIGKILL')
    await standalone.process.exit
  }
  await using again = await start({ folder, env })
  const before = (await countKeys(again)) - (await readTask(again, atKill.id)).succeeded
  const done = await ended(again, atKill.id)
  assert.ok(atKill.processed < keysInAll, 'it was over before it could be killed')
  assert.deepEqual([done.state, done.succeeded, done.skipped], ['succeeded', keysInAll, 0])
  assert.equal(await countKeys(again), before + keysInAll)
})
