import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bulkInsert } from '@gpt-load/database/bulk-insert'
import { removeOldAudit } from '../../src/audit/remove-old-audit.ts'
import type { OpenedApi } from '../support/open-api.ts'

const newGroup = (name: string) => ({ name, channel: 'openai', upstreams: [{ url: 'https://api.example.com' }] })

export function describeAudit(api: () => Promise<OpenedApi>): void {
  describe('audit', () => {
    test('revealing a key needs secrets:read, shows it, and leaves an audit row without it', async () => {
      const opened = await api()
      const { operate, call } = opened
      const { id: groupId } = (await operate('createGroup', { body: newGroup('revealed') })).body
      const secret = 'sk-to-be-revealed-aaaaaaaa'
      await operate('addKeys', { params: { id: groupId }, body: { keys: [secret] } })
      const [key] = (await operate('listKeys', { params: { id: groupId } })).body.items
      const answer = await operate('revealKey', { params: { id: key.id } })
      assert.deepEqual(answer.body, { id: key.id, key: secret })
      assert.equal(answer.headers.get('cache-control'), 'no-store')
      const audit = await operate('listAudit', { query: `entity=key&entity_id=${key.id}` })
      assert.deepEqual(
        audit.body.items.map((entry: { action: string; actor: string; detail: object }) => [
          entry.action,
          entry.actor,
          entry.detail,
        ]),
        [['key.reveal', 'admin', { hint: key.hint, group_id: groupId }]],
      )
      const body = { name: 'no secrets', scopes: ['read', 'write'] }
      const { token } = (await operate('createAdminToken', { body })).body
      const path = `/api/v1/keys/${key.id}/reveal`
      const headers = { authorization: `Bearer ${token}` }
      assert.equal((await call(path, { method: 'POST', headers })).status, 403)
      assert.equal((await call('/api/v1/keys/999999/reveal', { method: 'POST' })).status, 404)
      assert.equal((await operate('listAudit', { query: `entity=key&entity_id=${key.id}` })).body.items.length, 1)
      for (const line of opened.logged) assert.ok(!line.includes(secret))
    })

    test('a change is listed with its fields, actor, revision and request, page by page, newest first', async () => {
      const { operate } = await api()
      const { id } = (await operate('createGroup', { body: newGroup('audited') })).body
      const headers = { 'x-gptload-request-id': 'audited-request' }
      const change = { display_name: 'Shown', header_rules: [{ key: 'X-A', value: 'not-shown-value', action: 'set' }] }
      const changed = await operate('updateGroup', { params: { id }, body: change, headers })
      const query = `entity=group&entity_id=${id}`
      const all = (await operate('listAudit', { query })).body
      assert.deepEqual([all.items.length, all.next_cursor], [2, null])
      const [update, create] = all.items
      assert.deepEqual([update.action, create.action], ['group.update', 'group.create'])
      assert.deepEqual(update.detail, { display_name: 'Shown', header_rules: 'changed' })
      assert.deepEqual(
        [update.actor, update.request_id, update.revision],
        ['admin', 'audited-request', changed.body.revision],
      )
      const first = (await operate('listAudit', { query: `${query}&limit=1` })).body
      const second = (await operate('listAudit', { query: `${query}&limit=1&cursor=${first.next_cursor}` })).body
      assert.deepEqual([...first.items, ...second.items], all.items)
    })

    test('actor and time narrow it; an id without its kind is refused', async () => {
      const { operate, call } = await api()
      const { id } = (await operate('createGroup', { body: newGroup('audited-2') })).body
      const query = `entity=group&entity_id=${id}`
      const [entry] = (await operate('listAudit', { query })).body.items
      const later = new Date(Date.parse(entry.at) + 1).toISOString()
      const count = async (more: string) =>
        (await operate('listAudit', { query: `${query}&${more}` })).body.items.length
      assert.deepEqual([await count('actor=admin'), await count('actor=nobody')], [1, 0])
      assert.deepEqual([await count(`from=${entry.at}`), await count(`from=${later}`)], [1, 0])
      assert.deepEqual([await count(`to=${later}`), await count(`to=${entry.at}`)], [1, 0])
      const refused = await call(`/api/v1/audit?entity_id=${id}`)
      assert.deepEqual([refused.status, refused.body.errors[0].pointer], [400, '/entity'])
    })

    test('rows past audit_retention_days go, thousands of them too; 0 keeps all; what is younger stays', async () => {
      const opened = await api()
      const { operate, store } = opened
      const dayMs = 86_400_000
      const now = Date.now()
      const write = (id: string, at: number) => [0, at, 'aged', 'group.update', 'group', id, '{}', '']
      await store.write(({ sql }) =>
        bulkInsert(sql, {
          table: 'audit_log',
          columns: ['revision', 'at', 'actor', 'action', 'entity', 'entity_id', 'detail', 'request_id'],
          rows: [
            ...Array.from({ length: 1_500 }, (_, index) => write(String(index), now - 31 * dayMs)),
            write('young', now - 29 * dayMs),
          ],
        }),
      )
      const left = async () => (await operate('listAudit', { query: 'actor=aged&limit=2' })).body.items
      const remove = () =>
        removeOldAudit(store, { keyring: opened.keyring, environmentSettings: {} }, now, AbortSignal.timeout(10_000))
      const setDays = (days: number) => operate('updateSettings', { body: { audit_retention_days: days } })
      await setDays(0)
      assert.equal(await remove(), 0)
      await setDays(30)
      assert.equal(await remove(), 1_500)
      assert.deepEqual(
        (await left()).map(({ entity_id }: { entity_id: string }) => entity_id),
        ['young'],
      )
    })
  })
}
