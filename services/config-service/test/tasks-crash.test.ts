import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Task } from '@gpt-load/contracts/api/task'
import { createDatabase } from '@gpt-load/database/create-database'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { until } from '@gpt-load/testkit/until'
import { secrets, startConfigService } from './support/config-service-process.ts'

const headers = { authorization: `Bearer ${secrets.AUTH_KEY}` }
const keysInAll = 60_000

async function post(url: string, type: string, body: string): Promise<Task> {
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': type }, body })
  assert.equal(answer.status, 201)
  return (await answer.json()) as Task
}

const readTask = async (url: string, id: number): Promise<Task> =>
  (await (await fetch(`${url}/api/v1/tasks/${id}`, { headers })).json()) as Task

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
    const upstreams = [{ url: 'https://api.example.com' }]
    const group = await post(
      `${first.url}/api/v1/groups`,
      'application/json',
      JSON.stringify({ name: 'crash', channel: 'openai', upstreams }),
    )
    const lines = Array.from({ length: keysInAll }, (_, n) => `sk-crash-key-${n}-abcdefgh\n`).join('')
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
})
