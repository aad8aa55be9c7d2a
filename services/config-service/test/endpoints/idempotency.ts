import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { removeOldIdempotencyKeys } from '../../src/idempotency/remove-old-idempotency-keys.ts'
import { openApi, type OpenedApi } from '../support/open-api.ts'
import type { Dialects } from '../support/open-stores.ts'

export function describeIdempotency(api: () => Promise<OpenedApi>, connect: Dialects[string]): void {
  describe('Idempotency-Key', () => {
    const create = ({ call }: OpenedApi, key: string, name: string, headers: Record<string, string> = {}) =>
      call('/api/v1/access-keys', { method: 'POST', body: { name }, headers: { 'idempotency-key': key, ...headers } })
    const countNamed = ({ store }: OpenedApi, name: string) => store.database.accessKey.count({ where: { name } })
    /** As a crash of the replica that ran the request leaves the row. */
    const interrupt = ({ store }: OpenedApi, isCommitted: boolean, lockedUntil: number) =>
      store.sql.execute('UPDATE idempotency_keys SET answer = NULL, is_committed = ?, locked_until = ?', [
        isCommitted,
        lockedUntil,
      ])

    test('the same request gets the same answer, its secret included, and happens once', async () => {
      const opened = await api()
      const first = await create(opened, 'same', 'idem-same')
      const second = await create(opened, 'same', 'idem-same')
      assert.deepEqual([second.status, second.body], [201, first.body])
      for (const name of ['etag', 'x-gptload-revision']) assert.equal(second.headers.get(name), first.headers.get(name))
      assert.deepEqual(
        [first, second].map((one) => one.headers.get('idempotency-replayed')),
        [null, 'true'],
      )
      assert.equal(await countNamed(opened, 'idem-same'), 1)
    })

    test('neither the answer nor the request is stored in clear', async () => {
      const opened = await api()
      const { body } = await create(opened, 'sealed-key-of-the-client', 'idem-sealed')
      const rows = await opened.store.sql.query<Record<string, unknown>>('SELECT * FROM idempotency_keys')
      const stored = rows
        .flatMap((row) => Object.values(row))
        .filter((value) => value instanceof Uint8Array)
        .map((value) => Buffer.from(value).toString())
      assert.ok(stored.length > 0)
      for (const text of [body.key, 'idem-sealed', 'sealed-key-of-the-client'])
        assert.ok(
          stored.every((value) => !value.includes(text)),
          text,
        )
    })

    test('of many at once one runs; the others are told to wait, or get its answer', async () => {
      const opened = await api()
      const answers = await Promise.all(Array.from({ length: 12 }, () => create(opened, 'many', 'idem-many')))
      for (const { status, body, headers } of answers)
        if (status !== 201) {
          assert.deepEqual([status, body.code], [409, 'idempotency_in_progress'])
          assert.equal(headers.get('retry-after'), '1')
        }
      assert.ok(answers.some(({ status }) => status === 201))
      assert.equal(await countNamed(opened, 'idem-many'), 1)
    })

    test('another body or path with the key is 422, another actor has keys of its own', async () => {
      const opened = await api()
      const { call, operate } = opened
      await create(opened, 'used', 'idem-used')
      const other = await create(opened, 'used', 'idem-other')
      assert.deepEqual([other.status, other.body.code], [422, 'idempotency_mismatch'])
      const elsewhere = await call('/api/v1/admin-tokens', {
        method: 'POST',
        body: { name: 'idem-used', scopes: ['write'] },
        headers: { 'idempotency-key': 'used' },
      })
      assert.equal(elsewhere.status, 422)
      const { token } = (await operate('createAdminToken', { body: { name: 'idem', scopes: ['write'] } })).body
      const own = await create(opened, 'used', 'idem-other', { authorization: `Bearer ${token}` })
      assert.deepEqual([own.status, await countNamed(opened, 'idem-other')], [201, 1])
    })

    test('a request that was refused changed nothing, and may come again with the key', async () => {
      const opened = await api()
      const post = (body: object) =>
        opened.call('/api/v1/access-keys', { method: 'POST', body, headers: { 'idempotency-key': 'refused' } })
      assert.equal((await post({ name: 'idem-refused', group_ids: [999_999] })).status, 400)
      assert.equal((await post({ name: 'idem-refused' })).status, 201)
    })

    test('keys are imported once per Idempotency-Key', async () => {
      const { operate } = await api()
      const upstreams = [{ url: 'https://api.example.com' }]
      const group = await operate('createGroup', { body: { name: 'idem', channel: 'openai', upstreams } })
      const call = {
        params: { id: group.body.id },
        body: { keys: ['sk-idempotent-aaaaaaaa', 'sk-idempotent-bbbbbbbb'] },
        headers: { 'idempotency-key': 'import' },
      }
      const first = await operate('addKeys', call)
      assert.deepEqual([first.body.added, (await operate('addKeys', call)).body], [2, first.body])
    })

    test('what a crash interrupts before the change runs again, after it never; under way it is 409', async () => {
      await using opened = await openApi(await connect())
      await create(opened, 'crash', 'idem-crash')
      const again = () => create(opened, 'crash', 'idem-crash')
      await interrupt(opened, false, Date.now() + 60_000)
      assert.equal((await again()).body.code, 'idempotency_in_progress')
      await interrupt(opened, true, 0)
      const lost = await again()
      assert.deepEqual([lost.status, lost.body.code], [409, 'idempotency_replay'])
      assert.equal(await countNamed(opened, 'idem-crash'), 1)
      await interrupt(opened, false, 0)
      assert.deepEqual([(await again()).status, await countNamed(opened, 'idem-crash')], [201, 2])
    })

    test('the change itself marks the key as used: a failure after it does not let it run again', async () => {
      await using opened = await openApi(await connect())
      await create(opened, 'marked', 'idem-marked')
      const [row] = await opened.store.sql.query('SELECT is_committed, locked_until FROM idempotency_keys')
      assert.deepEqual({ ...row }, { is_committed: 1, locked_until: 0 })
    })

    test('after a day the key is free again, and its row is removed', async () => {
      let offsetMs = 0
      const system = createSystemClock()
      const clock = { ...system, nowMs: () => system.nowMs() + offsetMs }
      await using opened = await openApi(await connect(), { clock })
      await create(opened, 'daily', 'idem-daily')
      offsetMs = 86_400_001
      assert.equal((await create(opened, 'daily', 'idem-next-day')).status, 201)
      const remove = () => removeOldIdempotencyKeys(opened.store, clock.nowMs(), AbortSignal.timeout(10_000))
      assert.equal(await remove(), 0)
      offsetMs *= 3
      assert.equal(await remove(), 1)
    })

    test('a key that is no key is refused', async () => {
      const { status, body } = await create(await api(), 'x'.repeat(256), 'idem-long')
      assert.deepEqual([status, body.code], [400, 'bad_request'])
    })
  })
}
