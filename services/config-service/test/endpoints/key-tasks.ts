import { assertCountsAreKept } from '../support/key-states.ts'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyExportLine } from '@gpt-load/contracts/api/task'
import type { OpenedApi } from '../support/open-api.ts'
import { startRecordingProvider } from '../support/recording-provider.ts'
import { counts, keyLines, newGroup, startImport, stateCounts, succeeded } from '../support/tasks.ts'

export function describeKeyTasks(api: () => Promise<OpenedApi>): void {
  describe('tasks over keys', () => {
    const withKeys = async (opened: OpenedApi, name: string, count: number, more: object = {}): Promise<number> => {
      const id = await newGroup(opened, name, more)
      await succeeded(opened, await startImport(opened, id, keyLines(name, count)))
      return id
    }
    const someIds = async ({ operate }: OpenedApi, id: number, count: number): Promise<number[]> => {
      const { items } = (await operate('listKeys', { params: { id }, query: `limit=${count}` })).body
      return items.map((key: { id: number }) => key.id)
    }
    const run = async (opened: OpenedApi, operation: Parameters<OpenedApi['operate']>[0], id: number, body: object) =>
      succeeded(opened, (await opened.operate(operation, { params: { id }, body })).body.id)

    test('keys are deleted by id, by search, and all of them; those of other groups are out of reach', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'delete-some', 3_000)
      const other = await withKeys(opened, 'delete-other', 5)
      const foreign = await someIds(opened, other, 5)
      const [first = 0, second = 0, third = 0] = await someIds(opened, id, 3)
      const ids = [first, second, second, ...foreign]
      const byId = await run(opened, 'deleteKeys', id, { ids })
      assert.deepEqual([byId.succeeded, byId.processed], [2, 2])
      assert.deepEqual(
        [(await stateCounts(opened, id))['active'], (await stateCounts(opened, other))['active']],
        [2_998, 5],
      )
      await opened.operate('updateKey', { params: { id: third }, body: { note: 'To Be Removed' } })
      assert.equal((await run(opened, 'deleteKeys', id, { filter: { search: 'be removed' } })).succeeded, 1)
      assert.equal((await opened.call(`/api/v1/keys/${third}`)).status, 404)
      const rest = await run(opened, 'deleteKeys', id, { filter: {} })
      assert.deepEqual(counts(rest), [2_997, 2_997, 2_997, 0, 0])
      const { items } = (await opened.operate('listKeys', { params: { id } })).body
      assert.deepEqual([items, (await stateCounts(opened, id))['total']], [[], 0])
    })

    test('the keys of a list are deleted, in as many parts as it takes; what the group has not is skipped', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'delete-listed', 3_000)
      const raw = `${keyLines('delete-listed', 2_900)}sk-elsewhere-aaaa\nbad\u0007key\n${keyLines('delete-listed', 1)}`
      const call = { params: { id }, raw, headers: { 'content-type': 'text/plain' } }
      const task = await succeeded(opened, (await opened.operate('deleteListedKeys', call)).body.id)
      assert.deepEqual(counts(task), [2_903, 2_903, 2_900, 2, 1])
      assert.deepEqual(
        task.problems.map(({ line }) => line),
        [2_902],
      )
      assert.equal((await stateCounts(opened, id))['active'], 100)
    })

    test('a preview tells new, known, repeated and malformed keys, across its chunks, and changes nothing', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'previewed', 100)
      const raw = `${keyLines('previewed', 3_000)}bad\u0007key\n${keyLines('previewed', 2_999)}`
      const preview = async (body: string, more: object = {}) =>
        (
          await opened.operate('previewImport', {
            params: { id },
            raw: body,
            headers: { 'content-type': 'text/plain' },
            ...more,
          })
        ).body
      const before = (await opened.operate('listTasks', {})).body.items.length
      const { malformed_lines: lines, ...told } = await preview(raw)
      assert.deepEqual(told, { new: 2_900, duplicate: 100 + 2_999, malformed: 1 })
      assert.deepEqual(
        lines.map(({ line }: { line: number }) => line),
        [3_001],
      )
      assert.equal((await stateCounts(opened, id))['total'], 100)
      assert.equal((await opened.operate('listTasks', {})).body.items.length, before)
    })

    test('a selection must name ids or a filter, not both and not neither', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'delete-refused')
      for (const body of [{}, { ids: [1], filter: {} }, { filter: { stat: ['invalid'] } }]) {
        const answer = await opened.call(`/api/v1/groups/${id}/keys/delete`, { method: 'POST', body })
        assert.equal(answer.status, 400, JSON.stringify(body))
      }
    })

    test('keys are restored by state, with history and a new generation; disabled ones stay', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'restore', 6)
      const [invalid = 0, , disabled = 0] = await someIds(opened, id, 6)
      await opened.store.sql.execute(`UPDATE provider_keys SET state = 'invalid', failures = 3 WHERE id = ?`, [invalid])
      await opened.store.sql.execute(
        `UPDATE group_key_counts SET ${opened.store.dialect === 'mysql' ? '`count`' : '"count"'} = CASE state WHEN 'active' THEN 5 ELSE 1 END WHERE group_id = ?`,
        [id],
      )
      await opened.store.sql.execute(
        `INSERT INTO group_key_counts (group_id, state, ${opened.store.dialect === 'mysql' ? '`count`' : '"count"'}) VALUES (?, 'invalid', 1)`,
        [id],
      )
      await opened.operate('disableKey', { params: { id: disabled } })
      const task = await run(opened, 'restoreKeys', id, { filter: { state: ['invalid', 'disabled'] } })
      assert.deepEqual(counts(task), [2, 2, 1, 1, 0])
      const { body } = await opened.operate('getKey', { params: { id: invalid } })
      assert.deepEqual([body.state, body.failures, body.generation], ['active', 0, 1])
      assert.deepEqual([body.history[0].state_from, body.cause.class], ['invalid', 'operator'])
      assert.equal((await opened.operate('getKey', { params: { id: disabled } })).body.state, 'disabled')
      const now = await stateCounts(opened, id)
      assert.deepEqual([now['active'], now['invalid'], now['disabled']], [5, 0, 1])
    })

    test('restoring counts what it changed: an active key that lacks nothing is left alone', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'restore-active', 5)
      const [failing = 0, limited = 0, fine = 0] = await someIds(opened, id, 3)
      const { sql } = opened.store
      await sql.execute('UPDATE provider_keys SET failures = 2 WHERE id = ?', [failing])
      await sql.execute(
        `INSERT INTO key_model_states (key_id, model, group_id, state, until, generation, failures, cause, updated_at)
         VALUES (?, 'm', ?, 'cooling', ?, 0, 0, '', 0)`,
        [limited, id, Date.now() + 3_600_000],
      )
      assert.deepEqual(counts(await run(opened, 'restoreKeys', id, { filter: {} })), [5, 5, 2, 3, 0])
      const generation = async (key: number) =>
        (await opened.operate('getKey', { params: { id: key } })).body.generation
      assert.deepEqual([await generation(failing), await generation(limited), await generation(fine)], [1, 1, 0])
    })

    test('keys are disabled by search with a reason and a date, and enabled again; others stay as they are', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'disable', 1_200)
      const [first = 0, second = 0] = await someIds(opened, id, 2)
      for (const key of [first, second])
        await opened.operate('updateKey', { params: { id: key }, body: { note: 'Batch of May' } })
      const until = new Date(Date.now() + 3_600_000).toISOString()
      const body = { filter: { search: 'of may' }, note: 'contract ended', until }
      assert.equal((await run(opened, 'disableKeys', id, body)).succeeded, 2)
      const detail = (await opened.operate('getKey', { params: { id: first } })).body
      assert.deepEqual([detail.state, detail.until, detail.generation], ['disabled', until, 1])
      assert.deepEqual([detail.cause.class, detail.cause.note], ['operator', 'contract ended'])
      assert.equal(detail.history[0].state_to, 'disabled')
      const again = await run(opened, 'disableKeys', id, body)
      assert.deepEqual([again.succeeded, again.skipped], [0, 2])
      const forGood = await run(opened, 'disableKeys', id, { ids: [first] })
      assert.equal(forGood.succeeded, 1)
      const middle = await stateCounts(opened, id)
      assert.deepEqual([middle['active'], middle['disabled'], middle['total']], [1_198, 2, 1_200])
      const enabled = await run(opened, 'enableKeys', id, { filter: {} })
      assert.deepEqual(counts(enabled), [1_200, 1_200, 2, 1_198, 0])
      const now = await stateCounts(opened, id)
      assert.deepEqual([now['active'], now['disabled']], [1_200, 0])
      const { items } = (await opened.operate('listAudit', { query: `entity=group&entity_id=${id}` })).body
      const disabling = items.find(({ action }: { action: string }) => action === 'key.disable')
      assert.deepEqual([disabling.detail.keys, typeof disabling.detail.task], [1, 'number'])
    })

    test('a date of return that has passed is refused before anything is changed', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'disable-past', 1)
      const answer = await opened.call(`/api/v1/groups/${id}/keys/disable`, {
        method: 'POST',
        body: { filter: {}, until: '2020-01-01T00:00:00Z' },
      })
      assert.equal(answer.status, 400)
      assert.equal((await stateCounts(opened, id))['active'], 1)
    })

    test('keys are validated by probes: refused ones are condemned and reported without the key', async () => {
      const opened = await api()
      await using provider = await startRecordingProvider()
      const id = await withKeys(opened, 'validate', 30, { upstreams: [{ url: provider.url }] })
      const valid = await run(opened, 'validateKeys', id, { filter: {} })
      assert.deepEqual(counts(valid), [30, 30, 30, 0, 0])
      assert.equal(new Set(provider.received.map(({ headers }) => headers.authorization)).size, 30)
      provider.answerWith({ status: 503, body: {} })
      assert.deepEqual(counts(await run(opened, 'validateKeys', id, { filter: {} })), [30, 30, 0, 30, 0])
      provider.answerWith({ status: 401, body: { error: { code: 'invalid_api_key', message: 'Incorrect API key' } } })
      const ids = await someIds(opened, id, 2)
      const refused = await run(opened, 'validateKeys', id, { ids })
      assert.deepEqual([refused.failed, refused.problems.map(({ key_id: keyId }) => keyId)], [2, ids.toReversed()])
      assert.match(refused.problems[0]?.reason ?? '', /^401 invalid_api_key/)
      assert.equal((await stateCounts(opened, id))['invalid'], 2)
    })

    test('keys are copied into another group once, fresh, without being opened to anybody', async () => {
      const opened = await api()
      const from = await withKeys(opened, 'copy-from', 1_500)
      const to = await newGroup(opened, 'copy-to')
      await succeeded(opened, await startImport(opened, to, keyLines('copy-from', 10)))
      const [disabled = 0] = await someIds(opened, from, 1)
      await opened.operate('disableKey', { params: { id: disabled } })
      const task = await run(opened, 'copyKeys', from, { filter: {}, to_group_id: to })
      assert.deepEqual(counts(task), [1_500, 1_500, 1_490, 10, 0])
      const now = await stateCounts(opened, to)
      assert.deepEqual([now['total'], now['active'], now['disabled']], [1_500, 1_499, 1])
      assert.equal((await stateCounts(opened, from))['total'], 1_500)
      await assertCountsAreKept(opened.store.sql, to)
      const itself = await opened.call(`/api/v1/groups/${from}/keys/copy`, {
        method: 'POST',
        body: { filter: {}, to_group_id: from },
      })
      assert.equal(itself.status, 400)
    })

    test('keys are moved into another group: there afterwards, and no longer here', async () => {
      const opened = await api()
      const from = await withKeys(opened, 'move-from', 1_200)
      const to = await newGroup(opened, 'move-to')
      await succeeded(opened, await startImport(opened, to, keyLines('move-from', 10)))
      const [kept = 0] = await someIds(opened, from, 1)
      await opened.operate('disableKey', { params: { id: kept } })
      const task = await run(opened, 'moveKeys', from, { filter: { state: ['active'] }, to_group_id: to })
      assert.deepEqual([task.to_group_id, ...counts(task)], [to, 1_199, 1_199, 1_199, 0, 0])
      assert.deepEqual((await someIds(opened, from, 5)).length, 1)
      assert.deepEqual(
        [(await stateCounts(opened, from))['total'], (await stateCounts(opened, to))['total']],
        [1, 1_199],
      )
      await assertCountsAreKept(opened.store.sql, from)
      await assertCountsAreKept(opened.store.sql, to)
      const lines = (await opened.operate('exportKeySecrets', { params: { id: to } })).text.trim().split('\n')
      assert.equal(new Set(lines.map((line) => (JSON.parse(line) as KeyExportLine).key)).size, 1_199)
    })

    test('an export has every selected key, masked; in clear only for secrets:read, and the audit log names who', async () => {
      const opened = await api()
      const id = await withKeys(opened, 'export', 1_200)
      const parsed = (text: string) =>
        text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as KeyExportLine)
      const masked = await opened.operate('exportKeys', { params: { id } })
      assert.equal(parsed(masked.text).length, 1_200)
      assert.ok(!masked.text.includes('sk-export-key-7'))
      const [one = 0] = await someIds(opened, id, 1)
      await opened.operate('disableKey', { params: { id: one } })
      const disabled = parsed((await opened.operate('exportKeys', { params: { id }, query: 'state=disabled' })).text)
      assert.deepEqual(
        disabled.map((line) => [line.id, line.state, line.key]),
        [[one, 'disabled', undefined]],
      )
      const ids = (await someIds(opened, id, 3)).toSorted((a, b) => a - b)
      const named = parsed((await opened.operate('exportKeys', { params: { id }, query: `ids=${ids.join(',')}` })).text)
      assert.deepEqual(
        named.map((line) => line.id),
        ids,
      )
      const clear = parsed((await opened.operate('exportKeySecrets', { params: { id } })).text)
      assert.deepEqual(clear.map(({ key }) => `${key}\n`).join(''), keyLines('export', 1_200))
      const { items } = (await opened.operate('listAudit', { query: `entity=group&entity_id=${id}` })).body
      assert.equal(items.filter(({ action }: { action: string }) => action === 'key.export').length, 1)
      const { token } = (
        await opened.operate('createAdminToken', { body: { name: 'export', scopes: ['read', 'write'] } })
      ).body
      const refused = await opened.call(`/api/v1/groups/${id}/keys/export`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
      assert.equal(refused.status, 403)
    })
  })
}
