import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DatabaseUnavailable } from '@gpt-load/database/database-errors'
import type { KeyUsageReader } from '@gpt-load/database/logs/key-usage-reader'
import type { OpenedApi } from '../support/open-api.ts'
import { putIntoState } from '../support/key-states.ts'
import { keyLines, newGroup, startImport, succeeded } from '../support/tasks.ts'

/** What the log store would answer, and whether it is there. */
export type KeyUse = { lastUsed: Map<number, number>; isAway: boolean }

export const keyUsageOf = (use: KeyUse): KeyUsageReader => ({
  async lastUsed(ids) {
    if (use.isAway) throw new DatabaseUnavailable('the log database is away')
    return new Map(ids.flatMap((id) => (use.lastUsed.has(id) ? [[id, use.lastUsed.get(id)!]] : [])))
  },
  totals: async (ids) =>
    new Map(ids.flatMap((id) => (use.lastUsed.has(id) ? [[id, { requests: 3, failures: 1 }]] : []))),
  hours: async (_id, fromS) => [{ bucketS: fromS + 22 * 3_600, requests: 3, failures: 1 }],
})

export function describeKeyFilters(api: () => Promise<OpenedApi>, use: KeyUse): void {
  type Item = { id: number; hint: string; usage: object | null }
  const hour = 3_600_000

  describe('finding keys', () => {
    const list = async ({ operate }: OpenedApi, id: number, query: string): Promise<Item[]> =>
      (await operate('listKeys', { params: { id }, query })).body.items
    const hints = (items: readonly Item[]): string[] => items.map(({ hint }) => hint)

    const withKeys = async (opened: OpenedApi, name: string): Promise<{ id: number; ids: number[] }> => {
      const id = await newGroup(opened, name)
      for (const tail of ['aaaa', 'bbbb', 'cccc', 'dddd'])
        await opened.operate('addKeys', {
          params: { id },
          body: { keys: [`sk-${name}-longer-key-${tail}`], ...(tail < 'c' ? { note: 'team red' } : {}) },
        })
      return { id, ids: (await list(opened, id, '')).map((item) => item.id).toReversed() }
    }

    test('keys are found by cause, whole note and suffix, alone and together', async () => {
      const opened = await api()
      const { id, ids } = await withKeys(opened, 'filters')
      const [a = 0, , c = 0] = ids
      await opened.operate('disableKey', { params: { id: a }, body: {} })
      await putIntoState(opened, [c], 'cooling')
      await opened.store.sql.execute('UPDATE provider_keys SET cause = ? WHERE id = ?', [
        JSON.stringify({ at: 1, class: 'rate_limit', code: 'has "class":"client"' }),
        c,
      ])
      const found = async (query: string) => hints(await list(opened, id, query)).map((hint) => hint.slice(-4))
      assert.deepEqual(await found('cause=operator'), ['aaaa'])
      assert.deepEqual(await found('cause=operator,rate_limit'), ['cccc', 'aaaa'])
      assert.deepEqual(await found('cause=client'), [])
      assert.deepEqual(await found('cause=rate_limit&state=disabled'), [])
      assert.deepEqual(await found('note=team%20red'), ['bbbb', 'aaaa'])
      assert.deepEqual(await found('note=team'), [])
      assert.deepEqual(await found('note=team%20red&state=active'), ['bbbb'])
      assert.deepEqual(await found('suffix=dddd'), ['dddd'])
      assert.deepEqual(await found('suffix=ddd'), [])
      assert.deepEqual(await found('suffix=aaaa&note=team%20red&cause=operator&state=disabled&search=RED'), ['aaaa'])
      assert.deepEqual(await found('limit=1&note=team%20red'), ['bbbb'])
    })

    test('tasks and exports take the same filters', async () => {
      const opened = await api()
      const { id, ids } = await withKeys(opened, 'filtered-tasks')
      await opened.operate('disableKey', { params: { id: ids[0]! }, body: {} })
      const run = async (filter: object) => {
        const started = await opened.operate('deleteKeys', { params: { id }, body: { filter } })
        return (await succeeded(opened, started.body.id)).succeeded
      }
      const exported = await opened.operate('exportKeys', { params: { id }, query: 'note=team%20red&state=active' })
      assert.deepEqual([exported.text.split('\n').length, exported.text.includes('bbbb')], [2, true])
      assert.equal(await run({ note: 'team red', cause: ['rate_limit'] }), 0)
      assert.equal(await run({ note: 'team red', cause: ['operator'] }), 1)
      assert.equal(await run({ suffix: 'dddd', search: 'nothing like it' }), 0)
      assert.equal(await run({ suffix: 'dddd' }), 1)
      assert.deepEqual(
        (await list(opened, id, '')).map((item) => item.id),
        [ids[2], ids[1]],
      )
    })

    test('a search that finds little looks at a bounded number of keys per page, and goes on where it stopped', async () => {
      const opened = await api()
      const id = await newGroup(opened, 'rare')
      await opened.operate('addKeys', { params: { id }, body: { keys: ['sk-the-one-that-is-sought'], note: 'Needle' } })
      await succeeded(opened, await startImport(opened, id, keyLines('rare', 4_050)))
      const first = (await opened.operate('listKeys', { params: { id }, query: 'search=needle' })).body
      assert.deepEqual(first.items, [])
      const query = `search=needle&cursor=${first.next_cursor}`
      const second = (await opened.operate('listKeys', { params: { id }, query })).body
      assert.deepEqual([hints(second.items), second.next_cursor], [['sk-t…ught'], null])
    })

    test('each key comes with its use; by last use keys are found, never used ones too', async () => {
      const opened = await api()
      const { id, ids } = await withKeys(opened, 'used')
      const [a = 0, b = 0, c = 0, d = 0] = ids
      const now = Date.now()
      use.lastUsed.set(a, now - 5 * hour).set(b, now - hour)
      const found = async (query: string) => (await list(opened, id, query)).map((item) => item.id)
      const since = new Date(now - 2 * hour).toISOString()
      assert.deepEqual(await found(`used_since=${since}`), [b])
      assert.deepEqual(await found(`unused_since=${since}`), [d, c, a])
      assert.deepEqual(await found(`unused_since=${since}&note=team%20red`), [a])
      const first = (await opened.operate('listKeys', { params: { id }, query: `unused_since=${since}&limit=2` })).body
      assert.deepEqual(await found(`unused_since=${since}&limit=2&cursor=${first.next_cursor}`), [a])
      const items = await list(opened, id, '')
      assert.deepEqual(items.at(-2)?.usage, {
        last_used_at: new Date(now - hour).toISOString(),
        last_day: { requests: 3, failures: 1 },
      })
      assert.deepEqual(items[0]?.usage, { last_used_at: null, last_day: { requests: 0, failures: 0 } })
    })

    test('a key shows its requests of 24 hours', async () => {
      const opened = await api()
      const { ids } = await withKeys(opened, 'hours')
      use.lastUsed.set(ids[0]!, Date.now())
      const { usage } = (await opened.operate('getKey', { params: { id: ids[0]! } })).body
      assert.deepEqual([usage.last_day, usage.hours.length], [{ requests: 3, failures: 1 }, 24])
      assert.deepEqual(
        usage.hours.flatMap(({ requests }: { requests: number }, hourNumber: number) =>
          requests > 0 ? [hourNumber] : [],
        ),
        [22],
      )
    })

    test('while the log store is away keys are listed without their use, and cannot be sought by it', async () => {
      const opened = await api()
      const { id, ids } = await withKeys(opened, 'logs-away')
      use.isAway = true
      try {
        assert.deepEqual((await list(opened, id, 'suffix=aaaa'))[0]?.usage, null)
        assert.equal((await opened.operate('getKey', { params: { id: ids[0]! } })).body.usage, null)
        const sought = await opened.call(`/api/v1/groups/${id}/keys?used_since=${new Date().toISOString()}`)
        assert.equal(sought.status, 503)
      } finally {
        use.isAway = false
      }
    })
  })
}
