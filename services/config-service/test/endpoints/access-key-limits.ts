import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAccessKeyRecords } from '../../src/truth/policy-records.ts'
import type { OpenedApi } from '../support/open-api.ts'

export function describeAccessKeyLimits(api: () => Promise<OpenedApi>): void {
  const limits = { max_concurrent_requests: 8, max_requests_per_minute: 60, max_tokens_per_minute: 100_000 }
  const none = { max_concurrent_requests: 0, max_requests_per_minute: 0, max_tokens_per_minute: 0 }
  const limitsOf = ({ max_concurrent_requests, max_requests_per_minute, max_tokens_per_minute }: typeof limits) => ({
    max_concurrent_requests,
    max_requests_per_minute,
    max_tokens_per_minute,
  })

  describe('limits of access keys', () => {
    test('none unless they are named; what is left out stays; edges are told those that there are', async () => {
      const { operate, store } = await api()
      const plain = (await operate('createAccessKey', { body: { name: 'unlimited', all_groups: true } })).body
      assert.deepEqual(limitsOf(plain), none)
      const body = { name: 'limited', all_groups: true, ...limits }
      const { id } = (await operate('createAccessKey', { body })).body
      const change = { max_requests_per_minute: 0, note: 'n' }
      const patched = (await operate('updateAccessKey', { params: { id }, body: change })).body
      assert.deepEqual(limitsOf(patched), { ...limits, max_requests_per_minute: 0 })
      assert.deepEqual(limitsOf((await operate('getAccessKey', { params: { id } })).body), limitsOf(patched))
      const [audit] = (await operate('listAudit', { query: 'limit=1' })).body.items
      assert.deepEqual(audit.detail, { max_requests_per_minute: 0, note: 'n' })
      const [toldPlain, told] = await readAccessKeyRecords(store.sql, [plain.id, id])
      assert.equal(toldPlain !== undefined && 'max_concurrent_requests' in toldPlain, false)
      assert.deepEqual([told?.max_concurrent_requests, told?.max_tokens_per_minute], [8, 100_000])
      assert.equal(told !== undefined && 'max_requests_per_minute' in told, false)
    })

    test('a limit that is none is refused at its field, and nothing is written', async () => {
      const { operate, call, revision } = await api()
      const { id } = (await operate('createAccessKey', { body: { name: 'refused', all_groups: true } })).body
      const before = await revision()
      for (const value of [-1, 1.5, '60', 10_000_001]) {
        const answer = await call(`/api/v1/access-keys/${id}`, {
          method: 'PATCH',
          headers: { 'if-match': '*' },
          body: { max_requests_per_minute: value },
        })
        assert.deepEqual([answer.status, answer.body.errors[0].pointer], [400, '/max_requests_per_minute'])
      }
      assert.equal(await revision(), before)
    })

    test('a rollback brings them back, none where the state is of a time before there were any', async () => {
      const { operate, revision, store } = await api()
      const body = { name: 'rolled back', all_groups: true, ...limits }
      const { id } = (await operate('createAccessKey', { body })).body
      const made = await revision()
      await operate('updateAccessKey', { params: { id }, body: { max_requests_per_minute: 7 } })
      const changed = await revision()
      const plan = (await operate('planPolicyRollback', { body: { revision: made } })).body
      assert.deepEqual(plan.changes[0].fields, [{ field: 'max_requests_per_minute', from: '7', to: '60' }])
      await operate('rollBackPolicy', { body: { revision: made } })
      assert.deepEqual(limitsOf((await operate('getAccessKey', { params: { id } })).body), limits)

      const where = "entity = 'access_key' AND entity_id = ? AND revision = ?"
      const [row] = await store.sql.query<{ state: string }>(`SELECT state FROM policy_history WHERE ${where}`, [
        id,
        changed,
      ])
      const old = Object.entries(JSON.parse(row!.state) as object).filter(([name]) => !name.startsWith('max_'))
      const state = JSON.stringify(Object.fromEntries(old))
      await store.sql.execute(`UPDATE policy_history SET state = ? WHERE ${where}`, [state, id, changed])
      await operate('rollBackPolicy', { body: { revision: changed } })
      assert.deepEqual(limitsOf((await operate('getAccessKey', { params: { id } })).body), none)
    })

    test('a file sets them, a plan names them, an export has those that there are', async () => {
      const { operate } = await api()
      const key = { name: 'limits of a file', key: 'gpl_limits-of-a-file-0001', groups: ['*'] }
      const bodyOf = (more: object) => ({
        owner: 'limits.yaml',
        config: { version: 1, access_keys: [{ ...key, ...more }] },
      })
      await operate('applyConfig', { body: bodyOf({ max_requests_per_minute: 60 }) })
      const plan = (await operate('planConfig', { body: bodyOf({ max_requests_per_minute: 30 }) })).body
      assert.deepEqual(plan.changes[0].fields, [{ field: 'max_requests_per_minute', before: 60, after: 30 }])
      assert.deepEqual((await operate('planConfig', { body: bodyOf({}) })).body.changes, [], 'what it leaves out stays')
      const { config } = (await operate('exportConfig', { query: 'owner=limits.yaml' })).body
      assert.equal(config.access_keys[0].max_requests_per_minute, 60)
      assert.equal('max_tokens_per_minute' in config.access_keys[0], false)
    })
  })
}
