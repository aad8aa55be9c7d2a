import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Task } from '@gpt-load/contracts/api/task'
import { createDatabase } from '@gpt-load/database/create-database'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import { secrets, startConfigService } from './support/config-service-process.ts'

const headers = { authorization: `Bearer ${secrets.AUTH_KEY}` }
const keysInAll = 60_000
const exportedKeys = 30_000

async function post(url: string, type: string, body: string): Promise<Task> {
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': type }, body })
  assert.ok(answer.ok, await answer.clone().text())
  return (await answer.json()) as Task
}

const readTask = async (url: string, id: number): Promise<Task> =>
  (await (await fetch(`${url}/api/v1/tasks/${id}`, { headers })).json()) as Task

const addGroup = (url: string) =>
  post(
    `${url}/api/v1/groups`,
    'application/json',
    JSON.stringify({ name: 'crash', channel: 'openai', upstreams: [{ url: 'https://api.example.com' }] }),
  )

const linesOf = (count: number): string =>
  Array.from({ length: count }, (_, n) => `sk-crash-key-${n}-abcdefgh\n`).join('')

describe('tasks and replicas', () => {
  const mariadb = useMariadb()

  test('a replica is killed in mid-import: another goes on, and every key is added and counted once; so it is with the copy of a group', async () => {
    const { dsn, name } = await (await mariadb).createDatabase()
    const { host, port } = await mariadb
    await using database = {
      store: createDatabase({ dialect: 'mysql', host, port, user: 'root', password: '', database: name }),
      [Symbol.asyncDispose]: () => database.store.close(),
    }
    const { sql } = database.store
    await using first = await startConfigService({ DATABASE_DSN: dsn })
    const group = await addGroup(first.url)
    const lines = linesOf(keysInAll)
    const { id } = await post(`${first.url}/api/v1/groups/${group.id}/keys/import`, 'text/plain', lines)
    const atKill = await until(
      async () => {
        const task = await readTask(first.url, id)
        return task.processed > 0 ? task : undefined
      },
      { what: 'the first chunk' },
    )
    first.signal('SIGKILL')
    await first.exit
    assert.ok(atKill.processed < keysInAll, 'it was over before it could be killed')
    await using second = await startConfigService({ DATABASE_DSN: dsn })
    const done = await until(
      async () => {
        const task = await readTask(second.url, id)
        return task.finished_at === null ? undefined : task
      },
      { what: 'the other replica to finish it', timeoutMs: 60_000, intervalMs: 100 },
    )
    assert.deepEqual(
      [done.state, done.total, done.succeeded, done.skipped, done.failed],
      ['succeeded', keysInAll, keysInAll, 0, 0],
    )
    const [rows] = await sql.query<{ keys: number }>('SELECT COUNT(*) AS `keys` FROM provider_keys')
    const [counted] = await sql.query<{ keys: number }>('SELECT SUM(`count`) AS `keys` FROM group_key_counts')
    const [left] = await sql.query<{ parts: number }>('SELECT COUNT(*) AS parts FROM task_inputs')
    assert.deepEqual([rows?.keys, Number(counted?.keys), left?.parts], [keysInAll, keysInAll, 0])

    // The group is copied; the replica that does it is killed among its keys, and with it whoever waits.
    const body = JSON.stringify({ name: 'crash-copy', keys: 'all' })
    const copying = fetch(`${second.url}/api/v1/groups/${group.id}/copy`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
    }).catch(() => null)
    const inCopy = async (): Promise<number> => {
      const [row] = await sql.query<{ keys: number }>(
        'SELECT COUNT(*) AS `keys` FROM provider_keys WHERE group_id > ?',
        [group.id],
      )
      return row?.keys ?? 0
    }
    await until(async () => (await inCopy()) > 0, { what: 'the first keys of the copy', intervalMs: 5 })
    second.signal('SIGKILL')
    await Promise.all([second.exit, copying])
    assert.ok((await inCopy()) < keysInAll, 'it was over before it could be killed')
    await using third = await startConfigService({ DATABASE_DSN: dsn })
    await until(async () => (await inCopy()) === keysInAll, {
      what: 'the whole copy',
      timeoutMs: 60_000,
      intervalMs: 100,
    })
    const tasks = await fetch(`${third.url}/api/v1/tasks?kind=copy`, { headers })
    const ended = async () => ((await tasks.json()) as { items: Task[] }).items[0]
    assert.equal((await ended())?.total, keysInAll)
  })

  test('a replica is killed in mid-export: another goes on without gap or double, and all serve what both have made', async () => {
    const { dsn, name } = await (await mariadb).createDatabase()
    const { host, port } = await mariadb
    await using database = {
      store: createDatabase({ dialect: 'mysql', host, port, user: 'root', password: '', database: name }),
      [Symbol.asyncDispose]: () => database.store.close(),
    }
    const { sql } = database.store
    const isEnded = async (url: string, id: number) => (await readTask(url, id)).state === 'succeeded' || undefined
    await using first = await startConfigService({ DATABASE_DSN: dsn })
    const group = await addGroup(first.url)
    const lines = linesOf(exportedKeys)
    const imported = await post(`${first.url}/api/v1/groups/${group.id}/keys/import`, 'text/plain', lines)
    const wait = { timeoutMs: 60_000, intervalMs: 50 }
    await until(() => isEnded(first.url, imported.id), { what: 'the keys', ...wait })
    const { id } = await post(
      `${first.url}/api/v1/groups/${group.id}/keys/export-task`,
      'application/json',
      JSON.stringify({ filter: {}, content: 'plain' }),
    )
    const countParts = async () => {
      const [row] = await sql.query<{ parts: number }>('SELECT COUNT(*) AS parts FROM task_outputs')
      return row?.parts ?? 0
    }
    await until(async () => (await countParts()) > 0, { what: 'the first part', intervalMs: 2 })
    first.signal('SIGKILL')
    await first.exit
    const parts = await countParts()
    await using second = await startConfigService({ DATABASE_DSN: dsn })
    await using third = await startConfigService({ DATABASE_DSN: dsn })
    assert.equal((await readTask(second.url, id)).state, 'running', 'it was over before it could be killed')
    assert.equal((await fetch(`${second.url}/api/v1/tasks/${id}/output`, { headers })).status, 409)
    // As when it has run out, which takes a while (see the import).
    await sql.execute('UPDATE tasks SET lease_until = 0 WHERE id = ?', [id])
    await until(() => isEnded(second.url, id), { what: 'another replica to finish it', ...wait })
    assert.ok((await countParts()) > parts)
    for (const { url } of [second, third])
      assert.equal(await (await fetch(`${url}/api/v1/tasks/${id}/output`, { headers })).text(), lines)
  })
})
