import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyExportLine } from '@gpt-load/contracts/api/task'
import { placeholders, type SqlValue } from '@gpt-load/database/sql-runner'
import { removeTaskOutputs } from '../../src/tasks/remove-task-rows.ts'
import { maxOutputsKept, openOutput, outputKeptMs } from '../../src/tasks/task-output.ts'
import type { OpenedApi } from '../support/open-api.ts'
import { counts, ended, keyLines, newGroup, startImport, succeeded } from '../support/tasks.ts'

export function describeKeyExports(api: () => Promise<OpenedApi>): void {
  describe('exports in the background', () => {
    const withKeys = async (opened: OpenedApi, name: string, count: number): Promise<number> => {
      const id = await newGroup(opened, name)
      await succeeded(opened, await startImport(opened, id, keyLines(name, count)))
      return id
    }
    const start = async (opened: OpenedApi, id: number, body: object, headers = {}): Promise<number> =>
      (await opened.operate('startKeyExport', { params: { id }, body, headers })).body.id
    const exported = async (opened: OpenedApi, name: string, count = 3): Promise<number> => {
      const task = await start(opened, await withKeys(opened, name, count), { filter: {} })
      await succeeded(opened, task)
      return task
    }
    const refusal = async ({ call }: OpenedApi, task: number, method = 'GET') => {
      const { status, body } = await call(`/api/v1/tasks/${task}/output`, { method })
      return [status, body.code]
    }
    const partsOf = async ({ store }: OpenedApi, task: number): Promise<number> =>
      (await store.sql.query('SELECT position FROM task_outputs WHERE task_id = ?', [task])).length
    const linesOf = (text: string): KeyExportLine[] =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as KeyExportLine)
    const remove = ({ store }: OpenedApi, nowMs: number) => removeTaskOutputs(store, nowMs, AbortSignal.timeout(60_000))

    test('every key is in it once, masked, in clear or one a line, as a file that nobody may cache', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'export-task', 2_100)
      const keys = keyLines('export-task', 2_100)
      const clear = await succeeded(opened, await start(opened, id, { filter: {} }))
      assert.deepEqual(counts(clear), [2_100, 2_100, 2_100, 0, 0])
      assert.deepEqual([clear.revision, clear.problems], [null, []])
      assert.equal(Date.parse(clear.output_until ?? '') - Date.parse(clear.finished_at ?? ''), outputKeptMs)
      assert.ok((await partsOf(opened, clear.id)) > 1)
      const file = await opened.operate('getTaskOutput', { params: { id: clear.id } })
      assert.deepEqual(
        linesOf(file.text)
          .map(({ key }) => `${key}\n`)
          .join(''),
        keys,
      )
      assert.equal(
        file.headers.get('content-disposition'),
        `attachment; filename=keys-of-group-${id}-task-${clear.id}.jsonl`,
      )
      assert.equal(file.headers.get('cache-control'), 'no-store')
      const stream = await opened.operate('exportKeySecrets', { params: { id } })
      assert.equal(file.text, stream.text)

      const plain = await succeeded(opened, await start(opened, id, { filter: {}, content: 'plain' }))
      const list = await opened.call(`/api/v1/tasks/${plain.id}/output`)
      assert.equal(list.text, keys)
      assert.match(list.headers.get('content-type') ?? '', /^text\/plain/)
      assert.match(list.headers.get('content-disposition') ?? '', /\.txt$/)

      const ids = linesOf(file.text)
        .slice(7, 10)
        .map((line) => line.id)
      const masked = await succeeded(opened, await start(opened, id, { ids, content: 'masked' }))
      const { text } = await opened.operate('getTaskOutput', { params: { id: masked.id } })
      assert.deepEqual(
        linesOf(text).map((line) => [line.id, line.key]),
        ids.map((one) => [one, undefined]),
      )
      const none = await succeeded(opened, await start(opened, id, { filter: { state: ['invalid'] } }))
      assert.equal((await opened.operate('getTaskOutput', { params: { id: none.id } })).text, '')
    })

    test('keys are in clear in the file alone: not in the database, the report, events or the audit log, which names who', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'export-sealed', 20)
      const task = await succeeded(opened, await start(opened, id, { filter: { state: ['active'] } }))
      await opened.operate('getTaskOutput', { params: { id: task.id } })
      const rows = await opened.store.sql.query<{ sealed: Uint8Array }>(
        'SELECT sealed FROM task_outputs WHERE task_id = ?',
        [task.id],
      )
      assert.deepEqual([task.succeeded, rows.length], [20, 1])
      const audited = async (query: string) => (await opened.operate('listAudit', { query })).body.items
      const [ofGroup, ofTask] = [
        await audited(`entity=group&entity_id=${id}`),
        await audited(`entity=task&entity_id=${task.id}`),
      ]
      const { text: events } = await opened.operate('watchTask', { params: { id: task.id } })
      for (const text of [
        ...rows.map(({ sealed }) => Buffer.from(sealed).toString('latin1')),
        JSON.stringify([task, ofGroup, ofTask]),
        events,
      ])
        assert.ok(!text.includes('sk-export-sealed'), text.slice(0, 200))
      assert.deepEqual(
        ofGroup
          .filter(({ action }: { action: string }) => action === 'key.export')
          .map(({ detail }: { detail: unknown }) => detail),
        [{ filter: { state: ['active'] }, content: 'clear', task: task.id }],
      )
      assert.deepEqual(
        ofTask.map(({ action, actor }: { action: string; actor: string }) => [action, actor]),
        [
          ['task.download', task.created_by],
          ['task.create', task.created_by],
        ],
      )
    })

    test('whoever has not secrets:read neither starts one nor gets what it made', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'export-scope', 2)
      const task = await start(opened, id, { filter: {} })
      await succeeded(opened, task)
      const withScopes = async (scopes: string[], path: string, method: string, body?: object) => {
        const name = `${method} ${scopes.join(' ')}`
        const { token } = (await opened.operate('createAdminToken', { body: { name, scopes } })).body
        return (await opened.call(path, { method, body, headers: { authorization: `Bearer ${token}` } })).status
      }
      const [startPath, outputPath] = [`/api/v1/groups/${id}/keys/export-task`, `/api/v1/tasks/${task}/output`]
      assert.equal(await withScopes(['read', 'write'], startPath, 'POST', { filter: {} }), 403)
      assert.equal(await withScopes(['read', 'write'], outputPath, 'GET'), 403)
      assert.equal(await withScopes(['read', 'secrets:read'], startPath, 'POST', { filter: {} }), 202)
      assert.equal(await withScopes(['read', 'secrets:read'], outputPath, 'GET'), 200)
    })

    test('it is made once per Idempotency-Key', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'export-once', 2)
      const headers = { 'idempotency-key': 'one-export' }
      const first = await start(opened, id, { filter: {} }, headers)
      assert.equal(await start(opened, id, { filter: {} }, headers), first)
    })

    test('before its end there is nothing to download, and a cancelled one leaves nothing', async () => {
      const opened = await api()
      const task = await exported(opened, 'export-cancelled')
      const { sql } = opened.store
      await sql.execute(
        `UPDATE tasks SET state = 'running', finished_at = 0, output_until = 0, lease_until = ? WHERE id = ?`,
        [Date.now() + 600_000, task],
      )
      assert.deepEqual(await refusal(opened, task), [409, 'conflict'])
      assert.deepEqual(await refusal(opened, task, 'DELETE'), [409, 'conflict'])
      await remove(opened, Date.now())
      assert.equal(await partsOf(opened, task), 1, 'what is under way keeps its parts')
      await opened.operate('cancelTask', { params: { id: task } })
      await sql.execute('UPDATE tasks SET lease_until = 0 WHERE id = ?', [task])
      assert.equal((await ended(opened, task)).state, 'cancelled')
      assert.deepEqual(await refusal(opened, task), [410, 'gone'])
      await remove(opened, Date.now())
      assert.equal(await partsOf(opened, task), 0)
    })

    test('one whose group was deleted under it fails and leaves nothing', async () => {
      const opened = await api()
      const task = await exported(opened, 'export-orphaned')
      const { sql } = opened.store
      const { body } = await opened.operate('getTask', { params: { id: task } })
      await opened.operate('deleteGroup', { params: { id: body.group_id } })
      await sql.execute(
        `UPDATE tasks SET state = 'queued', finished_at = 0, output_until = 0, position = 0, lease_until = 0 WHERE id = ?`,
        [task],
      )
      const failed = await ended(opened, task)
      assert.deepEqual([failed.state, failed.error, failed.output_until], ['failed', 'There is no such group.', null])
      assert.deepEqual(await refusal(opened, task), [410, 'gone'])
      await remove(opened, Date.now())
      assert.equal(await partsOf(opened, task), 0)
    })

    test('what it made is gone after a day, and its rows with it; others keep theirs', async () => {
      const opened = await api()
      const [old, fresh] = [await exported(opened, 'export-old'), await exported(opened, 'export-fresh')]
      await opened.store.sql.execute('UPDATE tasks SET output_until = ? WHERE id = ?', [Date.now() - 1, old])
      assert.deepEqual(await refusal(opened, old), [410, 'gone'])
      await remove(opened, Date.now())
      assert.deepEqual([await partsOf(opened, old), await partsOf(opened, fresh)], [0, 1])
      await opened.operate('getTaskOutput', { params: { id: fresh } })
    })

    test('what it made can be deleted before that', async () => {
      const opened = await api()
      const task = await exported(opened, 'export-deleted')
      await opened.operate('deleteTaskOutput', { params: { id: task } })
      assert.deepEqual(await refusal(opened, task), [410, 'gone'])
      assert.deepEqual(await refusal(opened, task, 'DELETE'), [410, 'gone'])
      assert.equal((await opened.operate('getTask', { params: { id: task } })).body.output_until, null)
      await remove(opened, Date.now())
      assert.equal(await partsOf(opened, task), 0)
    })

    test('so many may lie side by side, and no more', async () => {
      const opened = await api()
      const { sql } = opened.store
      const id = await withKeys(opened, 'export-many', 1)
      const task = await start(opened, id, { filter: {} })
      await succeeded(opened, task)
      const [row = {}] = await sql.query<Record<string, SqlValue>>('SELECT * FROM tasks WHERE id = ?', [task])
      const columns = Object.keys(row).filter((column) => column !== 'id')
      for (let copy = 0; copy < maxOutputsKept; copy += 1)
        await sql.execute(
          `INSERT INTO tasks (${columns.join(', ')}) VALUES (${placeholders(columns.length)})`,
          columns.map((column) => row[column] ?? null),
        )
      const path = `/api/v1/groups/${id}/keys/export-task`
      const refused = await opened.call(path, { method: 'POST', body: { filter: {} } })
      assert.deepEqual([refused.status, refused.body.code], [409, 'conflict'])
      await sql.execute('DELETE FROM tasks WHERE id > ?', [task])
      await succeeded(opened, await start(opened, id, { filter: {} }))
    })

    test('an output that lacks a part is not taken for the whole', async () => {
      const opened = await api()
      const task = await exported(opened, 'export-parts', 2_100)
      const { store, keyring } = opened
      const output = openOutput({ sql: store.sql, keyring }, task, 2_100)
      assert.equal((await output.next()).done, false)
      await store.sql.execute(
        'DELETE FROM task_outputs WHERE task_id = ? AND position > (SELECT * FROM (SELECT MIN(position) FROM task_outputs WHERE task_id = ?) f)',
        [task, task],
      )
      await assert.rejects(async () => void (await output.next()), /went while it was read/)
      assert.deepEqual(await refusal(opened, task), [410, 'gone'])
    })

    test('other tasks have no output', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'export-none')
      const task = await startImport(opened, id, keyLines('export-none', 1))
      await succeeded(opened, task)
      assert.deepEqual(await refusal(opened, task), [404, 'not_found'])
    })
  })
}
