import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openProviderKey } from '@gpt-load/database/row-secrets'
import type { OpenedApi } from '../support/open-api.ts'

export function describeGroupOrders(api: () => Promise<OpenedApi>): void {
  const upstreams = [{ url: 'https://user:copy-pa55word@api.example.com', weight: 2 }]
  const newGroup = (name: string, more: object = {}) => ({ name, channel: 'openai', upstreams, ...more })

  describe('copies of groups', () => {
    const source = async ({ operate }: OpenedApi, name: string) => {
      const more = {
        description: 'to copy',
        settings: { max_retries: 4, proxy_url: 'http://u:copy-pr0xy@127.0.0.1:3128' },
        header_rules: [{ key: 'X-A', value: 'copy-header-value', action: 'set' }],
        model_redirects: { a: 'b' },
      }
      return (await operate('createGroup', { body: newGroup(name, more) })).body
    }

    test('a copy has every field, secrets included, and is a group of its own', async () => {
      const opened = await api()
      const { operate, store } = opened
      const group = await source(opened, 'copied')
      const { body: copy } = await operate('copyGroup', { params: { id: group.id }, body: { name: 'copy' } })
      const own = ['id', 'name', 'endpoint', 'revision', 'created_at', 'updated_at', 'upstreams']
      const rest = (value: object) => Object.entries(value).filter(([name]) => !own.includes(name))
      assert.deepEqual(rest(copy), rest(group))
      assert.deepEqual([copy.name, copy.upstreams[0].url], ['copy', group.upstreams[0].url])
      assert.notEqual(copy.upstreams[0].id, group.upstreams[0].id)
      const urls = await store.sql.query<{ url: string }>('SELECT url FROM upstreams WHERE group_id IN (?, ?)', [
        group.id,
        copy.id,
      ])
      assert.deepEqual(urls[0], urls[1])
      await operate('updateGroup', { params: { id: copy.id }, body: { description: 'another' } })
      assert.equal((await operate('getGroup', { params: { id: group.id } })).body.description, 'to copy')
      const again = await operate('copyGroup', { params: { id: copy.id }, body: { name: 'copy-of-copy' } })
      assert.equal(again.body.header_rules[0].value, '********')
    })

    test('keys come along fresh, those that a person disabled stay disabled, and they open', async () => {
      const opened = await api()
      const { operate, store, keyring } = opened
      const { id } = await source(opened, 'copied-keys')
      const keys = ['sk-copied-key-aaaaaaaa', 'sk-copied-key-bbbbbbbb', 'sk-copied-key-cccccccc']
      await operate('addKeys', { params: { id }, body: { keys, note: 'along', weight: 3 } })
      const [first, second] = (await operate('listKeys', { params: { id } })).body.items
      await operate('disableKey', { params: { id: first.id }, body: { note: 'leaked' } })
      await store.sql.execute("UPDATE provider_keys SET state = 'invalid', failures = 3 WHERE id = ?", [second.id])
      const body = { name: 'copy-keys', keys: 'all' }
      const copy = await operate('copyGroup', { params: { id }, body })
      const { total, active, disabled } = copy.body.key_counts
      assert.deepEqual([total, active, disabled], [3, 2, 1])
      assert.ok(Number(copy.headers.get('x-gptload-revision')) > copy.body.revision, 'the keys are a later revision')
      const listed = (await operate('listKeys', { params: { id: copy.body.id } })).body.items
      const shown = listed.map((key: Record<string, unknown>) => [
        key['state'],
        key['failures'],
        key['note'],
        key['weight'],
      ])
      assert.deepEqual(shown.toSorted(), [
        ['active', 0, 'along', 3],
        ['active', 0, 'along', 3],
        ['disabled', 0, 'along', 3],
      ])
      const kept = listed.find(({ state }: { state: string }) => state === 'disabled')
      assert.equal(kept.cause.note, 'leaked')
      const rows = await store.sql.query<{ hash: Buffer; secret: Buffer }>(
        'SELECT hash, secret FROM provider_keys WHERE group_id = ?',
        [copy.body.id],
      )
      assert.deepEqual(rows.map(({ hash, secret }) => openProviderKey(keyring, hash, secret)).toSorted(), keys)
      const valid = await operate('copyGroup', { params: { id }, body: { name: 'copy-valid-keys', keys: 'valid' } })
      assert.deepEqual([valid.body.key_counts.total, valid.body.key_counts.active], [1, 1])
    })

    test('more keys than one chunk come along whole', async () => {
      const { operate } = await api()
      const { id } = (await operate('createGroup', { body: newGroup('copied-many') })).body
      for (const part of ['a', 'b']) {
        const keys = Array.from({ length: 3_000 }, (_, n) => `sk-copied-many-${part}-${n}`)
        await operate('addKeys', { params: { id }, body: { keys } })
      }
      const { body } = await operate('copyGroup', { params: { id }, body: { name: 'copy-many', keys: 'all' } })
      assert.deepEqual([body.key_counts.total, body.key_counts.active], [6_000, 6_000])
    })

    test('members of an aggregate come along', async () => {
      const { operate } = await api()
      const member = (await operate('createGroup', { body: newGroup('copied-member') })).body.id
      const members = [{ group_id: member, weight: 7 }]
      const body = { name: 'copied-aggregate', kind: 'aggregate', channel: 'openai', members }
      const { id } = (await operate('createGroup', { body })).body
      const copy = (await operate('copyGroup', { params: { id }, body: { name: 'copy-aggregate', keys: 'all' } })).body
      assert.deepEqual([copy.kind, copy.members[0].group_id, copy.members[0].weight], ['aggregate', member, 7])
    })

    test('a taken name, and a group that changed since are refused; nothing is made', async () => {
      const opened = await api()
      const { call, revision } = opened
      const group = await source(opened, 'copied-not')
      const copy = (body: object, headers: Record<string, string> = {}) =>
        call(`/api/v1/groups/${group.id}/copy`, { method: 'POST', body, headers })
      const before = await revision()
      assert.equal((await copy({ name: 'copied-not' })).body.errors[0].pointer, '/name')
      const stale = await copy({ name: 'copied-stale' }, { 'if-match': '"1"' })
      assert.deepEqual([stale.status, stale.body.current.id], [412, group.id])
      assert.equal((await call('/api/v1/groups/999999/copy', { method: 'POST', body: { name: 'no' } })).status, 404)
      assert.equal(await revision(), before)
    })
  })

  describe('the order of groups', () => {
    test('is set for many at once, in one revision; who does not move keeps its ETag', async () => {
      const { operate, revision } = await api()
      const create = async (name: string, sort: number) =>
        (await operate('createGroup', { body: newGroup(name, { sort }) })).body
      const groups = [await create('order-a', 501), await create('order-b', 502), await create('order-c', 503)]
      const [a, b, c] = groups.map(({ id }) => id)
      const before = await revision()
      await operate('orderGroups', {
        body: [
          { id: a, sort: 503 },
          { id: b, sort: 502 },
          { id: c, sort: 501 },
        ],
      })
      assert.equal(await revision(), before + 1)
      const names = (await operate('listGroups', { query: 'search=order-' })).body.items.map(
        (group: { name: string }) => group.name,
      )
      assert.deepEqual(names, ['order-c', 'order-b', 'order-a'])
      const revisions = await Promise.all(groups.map(({ id }) => operate('getGroup', { params: { id } })))
      const moved = revisions.map(({ body }, index) => body.revision !== groups[index]!.revision)
      assert.deepEqual(moved, [true, false, true])
    })

    test('names every group that is not there, and then moves none', async () => {
      const { operate, call } = await api()
      const { id, sort } = (await operate('createGroup', { body: newGroup('order-d', { sort: 600 }) })).body
      const body = [
        { id, sort: 1 },
        { id: 999_999, sort: 2 },
      ]
      const { status, body: problem } = await call('/api/v1/groups/order', { method: 'PUT', body })
      assert.deepEqual([status, problem.errors.map((error: { pointer: string }) => error.pointer)], [400, ['/1/id']])
      assert.equal((await operate('getGroup', { params: { id } })).body.sort, sort)
    })
  })
}
