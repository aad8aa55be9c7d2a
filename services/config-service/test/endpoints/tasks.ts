import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connect as connectSocket } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import type { Task } from '@gpt-load/contracts/api/task'
import { until } from '@gpt-load/testkit/until'
import { adminKey, type OpenedApi } from '../support/open-api.ts'
import { counts, ended, keyLines, newGroup, startImport, stateCounts, succeeded } from '../support/tasks.ts'

export function describeTasks(api: () => Promise<OpenedApi>): void {
  describe('imports and how tasks are followed', () => {
    test('text is imported line by line: new, known and malformed ones are told apart, keys get note and weight', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-text')
      const lines = '# mine\nsk-import-one-aaaaaaaa, sk-import-two-bbbbbbbb\r\nbad\u0007key\n\nsk-import-one-aaaaaaaa'
      const task = await succeeded(opened, await startImport(opened, id, lines, { query: 'note=by%20file&weight=3' }))
      assert.deepEqual(counts(task), [4, 4, 2, 1, 1])
      assert.deepEqual(task.problems, [
        { line: 3, key_id: null, hint: '', reason: 'must not contain control characters' },
      ])
      assert.equal(task.revision, await opened.revision())
      assert.deepEqual(await notesAndWeights(opened, id), [
        ['by file', 3],
        ['by file', 3],
      ])
      assert.equal((await stateCounts(opened, id))['active'], 2)
    })

    test('a key that comes again in a later part is added once, and skipped after that', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-again')
      const lines = keyLines('again', 6_000)
      const task = await succeeded(opened, await startImport(opened, id, `${lines}\n${lines}`))
      assert.deepEqual(counts(task), [12_000, 12_000, 6_000, 6_000, 0])
      assert.equal((await stateCounts(opened, id))['active'], 6_000)
    })

    test('a CSV brings the keys of its key column with their notes and weights, quotes and other columns', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-csv')
      const csv = [
        '\ufeffname,Key,Notes,weight',
        '"a, b",sk-csv-key-aaaaaaaa,"says ""x"", y",7',
        'c,"sk-csv-key-bbbbbbbb"',
        'd',
        '# sk-csv-comment-cccc',
        'e,sk-csv-key-dddddddd,,0',
        `f,sk-csv-key-eeeeeeee,${'n'.repeat(256)},`,
      ]
      const type = 'text/csv; charset=utf-8'
      const task = await succeeded(opened, await startImport(opened, id, csv.join('\r\n'), { type, query: 'note=all' }))
      assert.deepEqual(counts(task), [5, 5, 2, 0, 3])
      assert.deepEqual(
        task.problems.map(({ line, reason }) => [line, reason]),
        [
          [4, 'has no key in its column'],
          [6, 'has a weight that is no whole number from 1 to 1000'],
          [7, 'has a note that is no text of at most 255 characters'],
        ],
      )
      assert.deepEqual(await notesAndWeights(opened, id), [
        ['all', 1],
        ['says "x", y', 7],
      ])
    })

    test('a table may be divided by semicolons or tabs', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-semicolon')
      const send = async (table: string) =>
        succeeded(opened, await startImport(opened, id, table, { type: 'text/csv' }))
      await send('# of a spreadsheet\nnote;api_key\nred, green;sk-csv-semicolon-aaaa')
      await send('sk-csv-tab-bbbbbbbb\tnot a note without its column')
      assert.deepEqual(await notesAndWeights(opened, id), [
        ['', 1],
        ['red, green', 1],
      ])
    })

    test('an export in clear is imported again with notes and weights', async () => {
      const opened = await api()
      const [from, to] = [await newGroup(opened, 'import-again-from'), await newGroup(opened, 'import-again-to')]
      const lines = '{"key":"sk-again-aaaaaaaa","note":"é","weight":9}\n{"key":"sk-again-bbbbbbbb"}\n'
      const type = 'application/x-ndjson'
      await succeeded(opened, await startImport(opened, from, lines, { type }))
      const path = `/api/v1/groups/${from}/keys/export`
      const { text } = await opened.call(path, { method: 'POST', body: {} })
      await succeeded(opened, await startImport(opened, to, text, { type, query: 'weight=2' }))
      assert.deepEqual(await notesAndWeights(opened, to), [
        ['', 1],
        ['é', 9],
      ])
    })

    test('JSON lines are strings or objects with a key', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-ndjson')
      const lines = '"sk-line-key-aaaaaaaa"\n{"key":"sk-line-key-bbbbbbbb","note":"x"}\n{"k":1}\nsk-broken-line-cccc\n'
      const task = await succeeded(opened, await startImport(opened, id, lines, { type: 'application/x-ndjson' }))
      assert.deepEqual(counts(task), [4, 4, 2, 0, 2])
      assert.deepEqual(
        task.problems.map(({ line, reason }) => [line, reason]),
        [
          [3, 'is neither a string nor an object with a string "key"'],
          [4, 'is not JSON'],
        ],
      )
    })

    test('JSON is an array of keys, or an object with them, of any length', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-json')
      const type = 'application/json'
      const object = '{"note": [1, {}], "keys": ["sk-json-key-aaaaaaaa", {"key": "sk-json-key-bbbbbbbb"}, 7, []]}'
      const task = await succeeded(opened, await startImport(opened, id, object, { type }))
      assert.deepEqual(counts(task), [4, 4, 2, 0, 2])
      assert.deepEqual(
        task.problems.map(({ line }) => line),
        [3, 4],
      )
      const many = JSON.stringify(Array.from({ length: 7_000 }, (_, n) => `sk-json-many-${n}`))
      assert.equal((await succeeded(opened, await startImport(opened, id, many, { type }))).succeeded, 7_000)
    })

    test('a report lists the first thousand problems and counts all', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-problems')
      const task = await succeeded(opened, await startImport(opened, id, 'x\u0001\n'.repeat(2_500)))
      assert.deepEqual([task.failed, task.problems.length, task.problems.at(-1)?.line], [2_500, 1_000, 1_000])
    })

    test('a line without end is one problem, and the lines after it are read', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-long')
      const task = await succeeded(
        opened,
        await startImport(opened, id, `${'x'.repeat(300_000)}\nsk-after-long-aaaa\n`),
      )
      assert.deepEqual([task.succeeded, task.problems.map(({ line }) => line)], [1, [1]])
    })

    test('what is no text of the named type is refused as a whole, and leaves no task', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-refused')
      const send = async (raw: string | Uint8Array, type: string) => {
        const path = `/api/v1/groups/${id}/keys/import`
        const { status, text } = await opened.call(path, { method: 'POST', raw, headers: { 'content-type': type } })
        assert.ok(!text.includes('sk-refused'), text)
        return status
      }
      assert.equal(await send('["sk-refused-aaaa"]', 'text/plain'), 400)
      assert.equal(await send('sk-refused-aaaa', 'application/xml'), 415)
      assert.equal(await send('["sk-refused-aaaa" "sk-refused-bbbb"]', 'application/json'), 400)
      assert.equal(await send('["sk-refused-aaaa"', 'application/json'), 400)
      assert.equal(await send('["sk-refused-aaaa"] []', 'application/json'), 400)
      assert.equal(await send('{"key":["sk-refused-aaaa"]}', 'application/json'), 400)
      assert.equal(await send(`["${'x'.repeat(400_000)}"]`, 'application/json'), 400)
      assert.equal(await send(new Uint8Array([0x73, 0xff, 0x0a]), 'text/plain'), 400)
      assert.equal(await send('# nothing\n', 'text/plain'), 400)
      assert.equal(await send(`key\n"sk-refused-aaaa`, 'text/csv'), 400)
      assert.deepEqual((await opened.operate('listTasks', { query: `group_id=${id}` })).body.items, [])
    })

    test('a body that breaks off adds nothing and leaves nothing', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-broken')
      const socket = connectSocket(Number(new URL(opened.url).port), '127.0.0.1')
      socket.write(
        `POST /api/v1/groups/${id}/keys/import HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminKey}\r\n` +
          `content-type: text/plain\r\ncontent-length: 10000000\r\n\r\n${keyLines('broken', 6_000)}`,
      )
      const list = async () => (await opened.operate('listTasks', { query: `group_id=${id}` })).body.items as Task[]
      await until(async () => (await list())[0]?.total, { what: 'the first part of the input' })
      assert.equal((await list())[0]?.state, 'receiving')
      socket.destroy()
      await until(async () => (await list()).length === 0 || undefined, { what: 'the task to be gone' })
      assert.equal((await stateCounts(opened, id))['total'], 0)
    })

    test('an import happens once per Idempotency-Key', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-once')
      const headers = { 'idempotency-key': 'one-import' }
      const first = await startImport(opened, id, keyLines('once', 3), { headers })
      assert.equal(await startImport(opened, id, keyLines('once', 3), { headers }), first)
      assert.equal((await opened.operate('listTasks', { query: `group_id=${id}` })).body.items.length, 1)
    })

    test('no key of an import is stored in clear, and the input is gone when the task has ended', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-sealed')
      const path = `/api/v1/groups/${id}/keys/import`
      const socket = connectSocket(Number(new URL(opened.url).port), '127.0.0.1')
      const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminKey}\r\nconnection: close\r\n`
      const body = keyLines('sealed-input', 6_000)
      socket.write(`${head}content-type: text/plain\r\ncontent-length: ${body.length + 2}\r\n\r\n${body}`)
      const parts = () =>
        opened.store.sql.query<{ sealed: Uint8Array }>(
          'SELECT i.sealed FROM task_inputs i JOIN tasks t ON t.id = i.task_id WHERE t.group_id = ?',
          [id],
        )
      const stored = await until(async () => (await parts())[0], { what: 'a part of the input' })
      assert.ok(!Buffer.from(stored.sealed).includes('sealed-input'))
      socket.write('\n\n')
      const answer = await textOf(socket)
      const { id: taskId } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Task
      assert.equal((await succeeded(opened, taskId)).succeeded, 6_000)
      assert.equal((await parts()).length, 0)
    })

    test('events tell the progress of a task and end with it', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-events')
      const taskId = await startImport(opened, id, keyLines('events', 12_000))
      const { text } = await opened.operate('watchTask', { params: { id: taskId } })
      const events = text.split('\n\n').filter((event) => event.startsWith('event:'))
      const last = JSON.parse(events.at(-1)?.split('\ndata: ')[1] ?? '') as Task
      assert.match(events.at(-1) ?? '', /^event: end\n/)
      assert.deepEqual([last.state, last.succeeded], ['succeeded', 12_000])
      assert.ok(events.slice(0, -1).every((event) => event.startsWith('event: progress\n')))
    })

    test('tasks are listed newest first, by pages, kind, state and group', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-list')
      const ids: number[] = []
      for (const name of ['a', 'b', 'c']) ids.unshift(await startImport(opened, id, keyLines(`list-${name}`, 1)))
      for (const one of ids) await ended(opened, one)
      const seen: number[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const query: string = `limit=2&group_id=${id}&kind=import&state=succeeded${cursor && `&cursor=${cursor}`}`
        const page: { items: Task[]; next_cursor: string | null } = (await opened.operate('listTasks', { query })).body
        seen.push(...page.items.map((task) => task.id))
        cursor = page.next_cursor
      }
      assert.deepEqual(seen, ids)
      for (const query of [`group_id=${id}&kind=delete`, `group_id=${id}&state=failed`])
        assert.deepEqual((await opened.operate('listTasks', { query })).body.items, [], query)
      const found = async (search: string) =>
        (await opened.operate('listTasks', { query: `group_id=${id}&search=${search}` })).body.items.length
      assert.deepEqual(
        [await found('MPORT-LIS'), await found('admin'), await found('nobody'), await found('%25')],
        [3, 3, 0, 0],
      )
    })

    test('a task is cancelled between two chunks: what was added stays, nothing more comes, and it ends once', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-cancel')
      const taskId = await startImport(opened, id, keyLines('cancel', 40_000))
      await until(
        async () => (await opened.operate('getTask', { params: { id: taskId } })).body.processed > 0 || undefined,
        { what: 'the first chunk' },
      )
      await opened.operate('cancelTask', { params: { id: taskId } })
      const task = await ended(opened, taskId)
      assert.equal(task.state, 'cancelled')
      assert.ok(task.succeeded > 0 && task.succeeded < 40_000, String(task.succeeded))
      assert.equal((await stateCounts(opened, id))['active'], task.succeeded)
      const again = await opened.call(`/api/v1/tasks/${taskId}/cancel`, { method: 'POST' })
      assert.deepEqual([again.status, again.body.code], [409, 'conflict'])
    })

    test('a task of a group that goes away fails and says so', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'import-gone')
      const taskId = await startImport(opened, id, keyLines('gone', 40_000))
      await opened.operate('deleteGroup', { params: { id } })
      const task = await ended(opened, taskId)
      assert.deepEqual([task.state, task.error], ['failed', 'There is no such group.'])
    })

    test('the audit log names who started and who cancelled', async () => {
      const { operate } = await api()
      const { items } = (await operate('listAudit', { query: 'entity=task&limit=1000' })).body
      const actions = new Set(items.map(({ action, actor }: { action: string; actor: string }) => `${actor} ${action}`))
      assert.deepEqual([...actions].toSorted(), ['admin task.cancel', 'admin task.create'])
    })
  })
}

/** Newest first. */
async function notesAndWeights(opened: OpenedApi, id: number): Promise<[string, number][]> {
  const { items } = (await opened.operate('listKeys', { params: { id } })).body
  return items.map(({ note, weight }: { note: string; weight: number }) => [note, weight])
}
