import assert from 'node:assert/strict'
import { connect as connectSocket } from 'node:net'
import { describe, test } from 'node:test'
import { until } from '@gpt-load/testkit/until'
import { adminKey, type OpenedApi } from '../support/open-api.ts'
import { startRecordingProvider } from '../support/recording-provider.ts'
import { keyLines } from '../support/tasks.ts'
import { createGptLoadClient, groupInput, putKeyIntoState } from './gpt-load-client.ts'

export function describeTasks(api: () => Promise<OpenedApi>): void {
  const client = async () => createGptLoadClient(await api())
  const pool = async (name: string, keys: readonly string[] = [], more: object = {}): Promise<number> => {
    const { data } = await client()
    const { id } = await data('POST', '/api/groups', groupInput(name, more))
    if (keys.length > 0) await data('POST', '/api/keys/add-multiple', { group_id: id, keys_text: keys.join('\n') })
    return id
  }
  /** As GPT-Load's own interface does: it asks until nothing runs. */
  const ended = async () => {
    const { data } = await client()
    return until(
      async () => {
        const status = await data('GET', '/api/tasks/status')
        return status.is_running ? undefined : status
      },
      { what: 'the end of the tasks' },
    )
  }
  const total = async (id: number) => {
    const { data } = await client()
    return (await data('GET', `/api/groups/${id}/stats`)).key_stats.total_keys
  }
  const form = async (parts: readonly [name: string, value: string, fileName?: string][]) => {
    const body = new FormData()
    for (const [name, value, fileName] of parts)
      if (fileName === undefined) body.append(name, value)
      else body.append(name, new Blob([value], { type: 'text/plain' }), fileName)
    const headers = { authorization: `Bearer ${adminKey}` }
    const answer = await fetch(`${(await api()).url}/api/keys/add-async`, { method: 'POST', body, headers })
    return { status: answer.status, body: (await answer.json()) as { code: unknown; message: string; data: unknown } }
  }

  describe('background tasks', () => {
    test('add-async takes more keys than add-multiple, and its task is shown until it has ended', async () => {
      const { data, refused } = await client()
      const id = await pool('async-add')
      const text = `${keyLines('async', 5_500)}sk-async-key-1-abcdefgh, bad\u0007key`
      const started = await data('POST', '/api/keys/add-async', { group_id: id, keys_text: text })
      assert.deepEqual(
        [started.task_type, started.is_running, started.total, started.group_name, 'result' in started],
        ['KEY_IMPORT', true, 5_502, 'async-add', false],
      )
      const status = await ended()
      assert.deepEqual(
        [status.task_id, status.task_type, status.group_name, status.processed, status.result, status.tasks],
        [started.task_id, 'KEY_IMPORT', 'async-add', 5_502, { added_count: 5_500, ignored_count: 2 }, []],
      )
      assert.match(status.warnings[0], /^1 entries are no keys/)
      assert.ok(Date.parse(status.finished_at) >= Date.parse(status.started_at) && status.duration_seconds >= 0)
      assert.equal(await total(id), 5_500)
      const path = '/api/keys/add-async'
      await refused({ path, method: 'POST', body: { group_id: id, keys_text: ' , ' } }, 400, 'VALIDATION_FAILED')
      await refused({ path, method: 'POST', body: { group_id: 99_999, keys_text: 'k' } }, 404, 'NOT_FOUND')
      await refused({ path, method: 'POST', body: { keys_text: 'k' } }, 400, 'INVALID_JSON')
    })

    test('the second task waits for its turn, where GPT-Load answers 409', async () => {
      const { data } = await client()
      const ids = [await pool('queue-a'), await pool('queue-b'), await pool('queue-c')]
      const bodies = ids.map((id, n) => ({ group_id: id, keys_text: keyLines(`queue-${n}`, 3_000) }))
      const started = await Promise.all(bodies.map((body) => data('POST', '/api/keys/add-async', body)))
      assert.ok(started.every(({ is_running }) => is_running))
      await ended()
      for (const id of ids) assert.equal(await total(id), 3_000)
    })

    test('a .txt file is taken as a form, its group before or behind it; other files are refused', async () => {
      const id = await pool('async-form')
      const lines = `# mine\n${keyLines('form', 3_000)}`
      const sent = await form([
        ['group_id', String(id)],
        ['file', lines, 'keys.txt'],
      ])
      assert.deepEqual([sent.status, sent.body.code], [200, 0], sent.body.message)
      await ended()
      assert.equal(await total(id), 3_000)
      const behind = await form([
        ['file', 'sk-form-behind-aaaa', 'KEYS.TXT'],
        ['group_id', String(id)],
      ])
      assert.deepEqual([behind.status, behind.body.code], [200, 0], behind.body.message)
      await ended()
      assert.equal(await total(id), 3_001)
      const group: [string, string] = ['group_id', String(id)]
      for (const [parts, message] of [
        [[group, ['file', 'sk-form-csv-aaaa', 'keys.csv']], /\.txt/],
        [[group], /file is missing/],
        [[['file', 'sk-form-alone-aaaa', 'keys.txt']], /group_id is missing/],
        [
          [
            ['group_id', 'x'],
            ['file', 'sk-form-x-aaaa', 'keys.txt'],
          ],
          /group_id is missing/,
        ],
        [[['file', 'x'.repeat(9_000_000), 'keys.txt'], group], /must come before/],
      ] as const) {
        const { status, body } = await form(parts as unknown as Parameters<typeof form>[0])
        assert.deepEqual([status, body.code], [400, 'VALIDATION_FAILED'], body.message)
        assert.match(body.message, message)
      }
      assert.equal(await total(id), 3_001)
    })

    test('a form that breaks off adds nothing and leaves no task', async () => {
      const opened = await api()
      const id = await pool('async-broken')
      const socket = connectSocket(Number(new URL(opened.url).port), '127.0.0.1')
      const part = (name: string, more: string) =>
        `--b\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n`
      socket.write(
        `POST /api/keys/add-async HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminKey}\r\n` +
          `content-type: multipart/form-data; boundary=b\r\ncontent-length: 10000000\r\n\r\n` +
          `${part('group_id', '')}${id}\r\n${part('file', '; filename="k.txt"')}${keyLines('broken', 6_000)}`,
      )
      const list = async () => (await opened.operate('listTasks', { query: `group_id=${id}` })).body.items
      await until(async () => (await list())[0]?.total, { what: 'the first part of the file' })
      socket.destroy()
      await until(async () => (await list()).length === 0 || undefined, { what: 'the task to be gone' })
      assert.equal(await total(id), 0)
    })

    test('delete-async deletes the keys of a text, and counts what the group does not have', async () => {
      const { data } = await client()
      const id = await pool('async-delete')
      const other = await pool('async-delete-other', ['sk-gone-key-0-abcdefgh'])
      await data('POST', '/api/keys/add-async', { group_id: id, keys_text: keyLines('gone', 5_500) })
      await ended()
      const text = `${keyLines('gone', 5_100)} sk-not-there-aaaa`
      const started = await data('POST', '/api/keys/delete-async', { group_id: id, keys_text: text })
      assert.deepEqual([started.task_type, started.total], ['KEY_DELETE', 5_101])
      assert.deepEqual((await ended()).result, { deleted_count: 5_100, ignored_count: 1 })
      assert.deepEqual([await total(id), await total(other)], [400, 1])
    })

    test('validate-group probes the keys of a status; a group without such keys is refused', async () => {
      const { data, refused } = await client()
      await using provider = await startRecordingProvider()
      const upstreams = [{ url: provider.url, weight: 1 }]
      const id = await pool('async-validate', ['sk-validate-aaaa', 'sk-validate-bbbb'], { upstreams })
      const path = '/api/keys/validate-group'
      const started = await data('POST', path, { group_id: id })
      assert.deepEqual([started.task_type, started.total], ['KEY_VALIDATION', 2])
      assert.deepEqual((await ended()).result, { total_keys: 2, valid_keys: 2, invalid_keys: 0 })
      await refused({ path, method: 'POST', body: { group_id: id, status: 'invalid' } }, 400, 'VALIDATION_FAILED')
      await refused({ path, method: 'POST', body: { group_id: id, status: 'odd' } }, 400, 'VALIDATION_FAILED')
      await refused({ path, method: 'POST', body: { group_id: 99_999 } }, 404, 'NOT_FOUND')
      provider.answerWith({ status: 401, body: { error: { code: 'invalid_api_key', message: 'no' } } })
      await data('POST', path, { group_id: id, status: 'active' })
      assert.deepEqual((await ended()).result, { total_keys: 2, valid_keys: 0, invalid_keys: 2 })
    })

    test('what GPT-Load does while the caller waits is done when the answer comes: restore, clear invalid, clear all', async () => {
      const opened = await api()
      const { data } = createGptLoadClient(opened)
      const keys = ['sk-clear-key-a', 'sk-clear-key-b', 'sk-clear-key-c', 'sk-clear-key-d']
      const id = await pool('clearing', keys)
      const setInvalid = (hintEnd: string) => putKeyIntoState(opened, { groupId: id, hintEnd, state: 'invalid' })
      const stats = async () => (await data('GET', `/api/groups/${id}/stats`)).key_stats
      const post = async (name: string) => {
        const answer = await opened.call(`/api/keys/${name}`, { method: 'POST', body: { group_id: id } })
        assert.deepEqual([answer.status, answer.body.code], [200, 0], answer.text)
        return [answer.body.data.count, answer.body.message]
      }
      await setInvalid('-a')
      await setInvalid('-b')
      assert.deepEqual(await post('restore-all-invalid'), [2, '2 keys restored'])
      assert.deepEqual(await stats(), { total_keys: 4, active_keys: 4, invalid_keys: 0 })
      await setInvalid('-c')
      await putKeyIntoState(opened, { groupId: id, hintEnd: '-d', state: 'disabled' })
      assert.deepEqual(await post('clear-all-invalid'), [1, '1 keys deleted'])
      assert.deepEqual(await stats(), { total_keys: 3, active_keys: 2, invalid_keys: 1 })
      assert.deepEqual(await post('clear-all'), [3, '3 keys deleted'])
      assert.deepEqual(await post('clear-all'), [0, '0 keys deleted'])
      const again = await data('POST', '/api/keys/add-multiple', { group_id: id, keys_text: keys.join(' ') })
      assert.deepEqual([again.added_count, again.total_in_group], [4, 4], 'the same keys are new at once')
    })
  })
}
