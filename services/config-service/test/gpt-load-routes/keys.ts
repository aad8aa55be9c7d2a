import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyState } from '@gpt-load/contracts/key-state'
import { adminKey, type OpenedApi } from '../support/open-api.ts'
import { startRecordingProvider } from '../support/recording-provider.ts'
import { createGptLoadClient, groupInput, putKeyIntoState } from './gpt-load-client.ts'
import { typesOf } from './groups.ts'

type ListedKey = { id: number; key_value: string; status: string; state: string }

/** What the log store would say of keys. */
export type KeyUses = Map<number, { lastUsedMs: number; requests: number }>

export function describeKeys(api: () => Promise<OpenedApi>, uses: KeyUses): void {
  const client = async () => createGptLoadClient(await api())
  const pool = async (name: string, keys: readonly string[], more: object = {}): Promise<number> => {
    const { data } = await client()
    const { id } = await data('POST', '/api/groups', groupInput(name, more))
    await data('POST', '/api/keys/add-multiple', { group_id: id, keys_text: keys.join('\n') })
    return id
  }
  const setState = async (groupId: number, hintEnd: string, state: KeyState): Promise<void> =>
    putKeyIntoState(await api(), { groupId, hintEnd, state })

  describe('keys', () => {
    test('add-multiple counts what is new, and what is there twice or already as ignored', async () => {
      const { data, refused } = await client()
      const { id } = await data('POST', '/api/groups', groupInput('adding'))
      const path = '/api/keys/add-multiple'
      const body = { group_id: id, keys_text: 'sk-add-1, sk-add-2;sk-add-1\nsk-add-3' }
      assert.deepEqual(await data('POST', path, body), { added_count: 3, ignored_count: 1, total_in_group: 3 })
      const json = { group_id: id, keys_text: '["sk-add-3","sk-add-4"]' }
      assert.deepEqual(await data('POST', path, json), { added_count: 1, ignored_count: 1, total_in_group: 4 })
      const many = Array.from({ length: 5_001 }, (_, n) => `sk-${n}`).join(' ')
      await refused({ path, method: 'POST', body: { group_id: id, keys_text: many } }, 400, 'VALIDATION_FAILED')
      await refused({ path, method: 'POST', body: { group_id: id, keys_text: ' ' } }, 400, 'VALIDATION_FAILED')
      await refused({ path, method: 'POST', body: { group_id: 99_999, keys_text: 'k' } }, 404, 'NOT_FOUND')
      await refused({ path, method: 'POST', body: { keys_text: 'k' } }, 400, 'INVALID_JSON')
    })

    test('a listed key has the fields of GPT-Load and is in clear for secrets:read only, with an audit row', async () => {
      const opened = await api()
      const { data } = createGptLoadClient(opened)
      const id = await pool('listing', ['sk-listing-secret-0001'])
      const path = `/api/keys?group_id=${id}`
      const { items, pagination } = await data('GET', path)
      assert.deepEqual(pagination, { page: 1, page_size: 15, total_items: 1, total_pages: 1 })
      assert.partialDeepStrictEqual(typesOf(items[0]), {
        id: 'number',
        key_value: 'string',
        key_hash: 'string',
        group_id: 'number',
        status: 'string',
        notes: 'string',
        request_count: 'number',
        failure_count: 'number',
        created_at: 'string',
        updated_at: 'string',
      })
      assert.equal(items[0].key_value, 'sk-listing-secret-0001')
      const [audited] = (await opened.operate('listAudit', { query: 'limit=1' })).body.items
      assert.deepEqual([audited.action, audited.entity_id], ['key.reveal', String(id)])
      const { body: token } = await opened.operate('createAdminToken', { body: { name: 'masked', scopes: ['read'] } })
      const headers = { authorization: `Bearer ${token.token}` }
      const [masked] = (await data('GET', path, undefined, headers)).items
      assert.deepEqual([masked.id, masked.key_value], [items[0].id, 'sk-…001'])
    })

    test('a listed key tells its uses', async () => {
      const { data } = await client()
      const id = await pool('uses', ['sk-uses-never', 'sk-uses-often'])
      const list = async () => (await data('GET', `/api/keys?group_id=${id}`)).items
      uses.set((await list())[0].id, { lastUsedMs: Date.parse('2026-01-02T03:04:05Z'), requests: 7 })
      assert.deepEqual(
        (await list()).map((key: { request_count: number; last_used_at: string | null }) => [
          key.request_count,
          key.last_used_at,
        ]),
        [
          [7, '2026-01-02T03:04:05.000Z'],
          [0, null],
        ],
      )
    })

    test('pages are numbered, bad numbers are the default, a page past the end is empty', async () => {
      const { data } = await client()
      const id = await pool(
        'paged',
        ['a', 'b', 'c', 'd', 'e'].map((letter) => `sk-paged-${letter}`),
      )
      const page = async (query: string) => data('GET', `/api/keys?group_id=${id}&${query}`)
      const values = ({ items }: { items: ListedKey[] }) => items.map(({ key_value }) => key_value.at(-1))
      assert.deepEqual(values(await page('page=2&page_size=2')), ['c', 'b'])
      const past = await page('page=4&page_size=2')
      assert.deepEqual([past.items, past.pagination.total_pages], [[], 3])
      assert.deepEqual((await page('page=x&page_size=-1')).pagination.page_size, 15)
    })

    test('status and key_value filter: disabled counts as invalid, cooling as active', async () => {
      const { data, refused } = await client()
      const id = await pool('states', [
        'sk-state-active-a',
        'sk-state-cooling-b',
        'sk-state-invalid-c',
        'sk-state-disabled-d',
      ])
      await setState(id, '-b', 'cooling')
      await setState(id, '-c', 'invalid')
      await setState(id, '-d', 'disabled')
      const list = async (query: string) =>
        (await data('GET', `/api/keys?group_id=${id}&${query}`)).items.map(({ state }: ListedKey) => state)
      assert.deepEqual(await list('status=active'), ['cooling', 'active'])
      assert.deepEqual(await list('status=invalid'), ['disabled', 'invalid'])
      assert.deepEqual(await list('key_value=sk-state-invalid-c'), ['invalid'])
      assert.deepEqual(await list('key_value=sk-state-invalid-c&status=active'), [])
      assert.deepEqual(await list('key_value=sk-state'), [], 'the whole key only')
      await refused({ path: `/api/keys?group_id=${id}&status=odd` }, 400, 'BAD_REQUEST')
      await refused({ path: '/api/keys' }, 400, 'BAD_REQUEST')
      await refused({ path: '/api/keys?group_id=99999' }, 404, 'NOT_FOUND')
      const exported = await fetch(`${(await api()).url}/api/keys/export?group_id=${id}&status=invalid`, {
        headers: { authorization: `Bearer ${adminKey}` },
      })
      assert.equal(exported.headers.get('content-type'), 'text/plain; charset=utf-8')
      assert.equal(exported.headers.get('content-disposition'), 'attachment; filename=keys-states-invalid.txt')
      assert.equal(await exported.text(), 'sk-state-invalid-c\nsk-state-disabled-d\n')
    })

    test('restore-multiple brings back invalid keys only, delete-multiple takes values and ids; the rest is ignored', async () => {
      const opened = await api()
      const { data } = createGptLoadClient(opened)
      const id = await pool('many', ['sk-many-key-1', 'sk-many-key-2', 'sk-many-key-3'])
      await setState(id, '-1', 'invalid')
      const keysText = 'sk-many-key-1 sk-many-key-2 sk-not-there'
      const restored = await data('POST', '/api/keys/restore-multiple', { group_id: id, keys_text: keysText })
      assert.deepEqual(restored, { restored_count: 1, ignored_count: 2, total_in_group: 3 })
      const { items } = await data('GET', `/api/keys?group_id=${id}&status=active`)
      assert.equal(items.length, 3)
      const byId = items.find(({ key_value }: ListedKey) => key_value === 'sk-many-key-3').id
      const deleted = await data('POST', '/api/keys/delete-multiple', {
        group_id: id,
        keys_text: 'sk-many-key-1 sk-not-there sk-many-key-1',
        ids: [byId, 999_999_999],
      })
      assert.deepEqual(deleted, { deleted_count: 2, ignored_count: 3, total_in_group: 1 })
      const counts = (await opened.operate('getGroup', { params: { id } })).body.key_counts
      assert.deepEqual([counts.total, counts.active, counts.invalid], [1, 1, 0])
    })

    test('keys of another group are out of reach', async () => {
      const { data } = await client()
      const [mine, other] = [await pool('mine', ['sk-mine-1']), await pool('theirs', ['sk-theirs-1'])]
      const [{ id }] = (await data('GET', `/api/keys?group_id=${other}`)).items
      const body = { group_id: mine, keys_text: 'sk-theirs-1', ids: [id] }
      assert.equal((await data('POST', '/api/keys/delete-multiple', body)).deleted_count, 0)
      assert.equal((await data('GET', `/api/keys?group_id=${other}`)).items.length, 1)
    })

    test('test-multiple answers in the order of the input, with the reason of what failed', async () => {
      const { data } = await client()
      await using provider = await startRecordingProvider()
      const upstreams = [{ url: provider.url, weight: 1 }]
      const id = await pool('tested', ['sk-tested-1', 'sk-tested-2'], { upstreams })
      const body = { group_id: id, keys_text: 'sk-absent sk-tested-2 sk-tested-1' }
      const good = await data('POST', '/api/keys/test-multiple', body)
      assert.deepEqual(
        good.results.map(({ key_value, is_valid }: { key_value: string; is_valid: boolean }) => [key_value, is_valid]),
        [
          ['sk-absent', false],
          ['sk-tested-2', true],
          ['sk-tested-1', true],
        ],
      )
      assert.equal(typeof good.total_duration, 'number')
      provider.answerWith({ status: 401, body: { error: { code: 'invalid_api_key', message: 'no' } } })
      const [bad] = (await data('POST', '/api/keys/test-multiple', { group_id: id, keys_text: 'sk-tested-1' })).results
      assert.equal(bad.is_valid, false)
      assert.match(bad.error, /401/)
    })

    test('notes are trimmed and kept, too long ones are refused', async () => {
      const { data, refused } = await client()
      const id = await pool('noted', ['sk-noted-1'])
      const [key] = (await data('GET', `/api/keys?group_id=${id}`)).items
      const path = `/api/keys/${key.id}/notes`
      assert.equal(await data('PUT', path, { notes: '  mine ' }), undefined)
      assert.equal((await data('GET', `/api/keys?group_id=${id}`)).items[0].notes, 'mine')
      await refused({ path, method: 'PUT', body: { notes: 'x'.repeat(256) } }, 400, 'VALIDATION_FAILED')
    })
  })
}
