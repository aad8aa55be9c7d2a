import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DatabaseConnection } from '@gpt-load/database/create-database'
import { until } from '@gpt-load/testkit/until'
import { policyFloor, pruneHistory } from '../../src/policy/policy-history.ts'
import { openApi, type OpenedApi } from '../support/open-api.ts'

export function describeRollback(api: () => Promise<OpenedApi>, connect: () => Promise<DatabaseConnection>): void {
  const upstreams = [{ url: 'https://user:rolled-pa55word@api.example.com', weight: 2 }]
  const newGroup = (name: string, more: object = {}) => ({ name, channel: 'openai', upstreams, ...more })
  type Change = { entity: string; name: string; action: string; fields: { field: string; from: string; to: string }[] }
  const shown = (changes: Change[]) => changes.map(({ entity, name, action }) => `${action} ${entity} ${name}`)

  describe('rollback of policies', () => {
    test('revisions that changed a policy are listed with who did what, those of keys are not', async () => {
      const { operate, revision } = await api()
      const { body: group } = await operate('createGroup', { body: newGroup('listed-policy') })
      const made = await revision()
      await operate('addKeys', { params: { id: group.id }, body: { keys: ['sk-not-a-policy-aaaa'] } })
      const { items } = (await operate('listPolicyRevisions', { query: 'limit=2' })).body
      assert.deepEqual(
        [items[0].revision, items[0].changes[0].action, items[0].changes[0].entity_id],
        [made, 'group.create', String(group.id)],
      )
      assert.ok(items[1].revision < made)
      const plan = (await operate('planPolicyRollback', { body: { revision: made } })).body
      assert.deepEqual([plan.policy_revision, plan.changes], [made, []])
      const { headers } = await operate('rollBackPolicy', { body: { revision: made } })
      assert.equal(headers.get('x-gptload-revision'), null)
      await operate('updateSettings', { body: { max_retries: 2 } })
      const ofEntity = async (entity: string) =>
        (await operate('listPolicyRevisions', { query: `limit=1&entity=${entity}` })).body.items[0].revision
      assert.deepEqual([await ofEntity('group'), await ofEntity('setting')], [made, await revision()])
      const actor = items[0].changes[0].actor as string
      const ofActor = async (name: string) =>
        (await operate('listPolicyRevisions', { query: `limit=1&actor=${encodeURIComponent(name)}` })).body.items
      assert.equal((await ofActor(actor))[0].revision, await revision())
      assert.deepEqual(await ofActor('nobody'), [])
      await operate('updateSettings', { body: { max_retries: null } })
    })

    test('groups, upstreams, members, settings and access rules become what they were, in one revision; keys stay', async () => {
      await using opened = await openApi(await connect())
      const { operate, call, revision } = opened
      const header_rules = [{ key: 'X-A', value: 'rolled-header', action: 'set' }]
      const main = (
        await operate('createGroup', { body: newGroup('main', { header_rules, settings: { max_retries: 5 } }) })
      ).body
      const second = (await operate('createGroup', { body: newGroup('second') })).body
      const pool = (
        await operate('createGroup', {
          body: { name: 'pool', kind: 'aggregate', channel: 'openai', members: [{ group_id: main.id, weight: 3 }] },
        })
      ).body
      const access = (await operate('createAccessKey', { body: { name: 'team', group_ids: [main.id, second.id] } }))
        .body
      const revoked = (await operate('createAccessKey', { body: { name: 'revoked', group_ids: [main.id] } })).body
      const shut = (await operate('createAccessKey', { body: { name: 'shut', group_ids: [main.id] } })).body
      await operate('updateSettings', { body: { max_retries: 1 } })
      await operate('addKeys', { params: { id: main.id }, body: { keys: ['sk-rolled-key-aaaaaaaa'] } })
      const to = await revision()
      const before = {
        main: (await operate('getGroup', { params: { id: main.id } })).body,
        pool: (await operate('getGroup', { params: { id: pool.id } })).body,
        access: (await operate('getAccessKey', { params: { id: access.id } })).body,
      }

      const [key] = (await operate('listKeys', { params: { id: main.id } })).body.items
      await operate('disableKey', { params: { id: key.id }, body: {} })
      await operate('updateGroup', {
        params: { id: main.id },
        body: {
          name: 'renamed',
          settings: { max_retries: 9 },
          header_rules: [{ key: 'X-B', value: 'rolled-other', action: 'set' }],
          upstreams: [{ url: 'https://other.example.com' }],
        },
      })
      await operate('replaceMembers', {
        params: { id: pool.id },
        body: [{ group_id: second.id, weight: 1 }],
      })
      await operate('deleteGroup', { params: { id: second.id } })
      // Takes the name that the first one had.
      const late = (await operate('createGroup', { body: newGroup('late') })).body
      await operate('updateAccessKey', { params: { id: access.id }, body: { all_groups: true, note: 'wider' } })
      await operate('updateAccessKey', { params: { id: shut.id }, body: { enabled: false, note: 'leaked' } })
      await operate('deleteAccessKey', { params: { id: revoked.id } })
      const lateKey = (await operate('createAccessKey', { body: { name: 'late-key', group_ids: [late.id] } })).body
      await operate('updateSettings', { body: { max_retries: 2, blacklist_threshold: 7 } })

      const plan = (await operate('planPolicyRollback', { body: { revision: to } })).body
      assert.deepEqual(shown(plan.changes), [
        'restore setting settings',
        'restore group renamed',
        'create group second',
        'restore group pool',
        'disable group late',
        'restore access_key team',
        'keep access_key revoked',
        'restore access_key shut',
        'disable access_key late-key',
      ])
      assert.deepEqual(plan.changes[0].fields, [
        { field: 'blacklist_threshold', from: '7', to: 'null' },
        { field: 'max_retries', from: '2', to: '1' },
      ])
      for (const secret of ['rolled-pa55word', 'rolled-header', 'rolled-other'])
        assert.ok(!JSON.stringify(plan).includes(secret), secret)
      const stale = { revision: to, expected_revision: plan.policy_revision - 1 }
      const refused = await call('/api/v1/rollback', { method: 'POST', body: stale })
      assert.deepEqual([refused.status, refused.body.code], [409, 'plan_outdated'])

      await until(
        async () => (await opened.store.database.providerKey.count({ where: { group_id: second.id } })) === 0,
        {
          what: 'the keys of the deleted group to go',
        },
      )
      const last = await revision()
      const body = { revision: to, expected_revision: plan.policy_revision }
      const { headers } = await operate('rollBackPolicy', { body })
      assert.equal(headers.get('x-gptload-revision'), String(last + 1))
      const without = ({
        revision: _revision,
        updated_at: _at,
        key_counts: _counts,
        keys_out: _out,
        ...rest
      }: Record<string, unknown>) => rest
      assert.deepEqual(without((await operate('getGroup', { params: { id: main.id } })).body), without(before.main))
      assert.deepEqual(without((await operate('getGroup', { params: { id: pool.id } })).body), without(before.pool))
      assert.equal((await operate('getGroup', { params: { id: second.id } })).body.name, 'second')
      assert.equal((await operate('getGroup', { params: { id: late.id } })).body.enabled, false)
      const team = (await operate('getAccessKey', { params: { id: access.id } })).body
      assert.deepEqual([team.group_ids, team.all_groups, team.note], [before.access.group_ids, false, ''])
      const stillShut = (await operate('getAccessKey', { params: { id: shut.id } })).body
      assert.deepEqual([stillShut.enabled, stillShut.note], [false, ''])
      assert.equal((await call(`/api/v1/access-keys/${revoked.id}`)).status, 404)
      assert.equal((await operate('getAccessKey', { params: { id: lateKey.id } })).body.enabled, false)
      const { values } = await settingsOf(opened)
      assert.deepEqual([values['max_retries'], values['blacklist_threshold']], [1, 3])
      assert.equal((await operate('getKey', { params: { id: key.id } })).body.state, 'disabled')
      assert.equal((await operate('planPolicyRollback', { body: { revision: to } })).body.changes.length, 1)
      const [entry] = (await operate('listAudit', { query: 'limit=1' })).body.items
      assert.deepEqual([entry.action, entry.entity_id], ['policy.rollback', String(to)])

      // And forward again: a rollback is a revision like any other.
      await operate('rollBackPolicy', { body: { revision: last } })
      assert.equal((await operate('getGroup', { params: { id: main.id } })).body.name, 'renamed')
    })

    test('what is older than the history is refused, and the history is bounded', async () => {
      await using opened = await openApi(await connect())
      const { operate, call, revision, store } = opened
      const { id } = (await operate('createGroup', { body: newGroup('old') })).body
      for (const sort of [1, 2, 3]) await operate('updateGroup', { params: { id }, body: { sort } })
      const last = await revision()
      await operate('updateGroup', { params: { id }, body: { sort: 4 } })
      const ninetyOneDays = 91 * 86_400_000
      await store.sql.execute('UPDATE policy_history SET created_at = created_at - ? WHERE revision <= ?', [
        ninetyOneDays,
        last,
      ])
      await pruneHistory(store, Date.now(), AbortSignal.timeout(10_000))
      assert.equal(await policyFloor(store.sql), last)
      const kept = await store.sql.query("SELECT id FROM policy_history WHERE entity = 'group'")
      assert.equal(kept.length, 2)
      const early = await call('/api/v1/rollback/plan', { method: 'POST', body: { revision: last - 1 } })
      assert.deepEqual([early.status, early.body.code], [409, 'conflict'])
      await operate('rollBackPolicy', { body: { revision: last } })
      assert.equal((await operate('getGroup', { params: { id } })).body.sort, 3)
      const { items } = (await operate('listPolicyRevisions')).body
      assert.equal(items.at(-1).revision, last)
    })
  })
}

async function settingsOf({ operate }: OpenedApi): Promise<{ values: Record<string, unknown> }> {
  const { items } = (await operate('listSettings')).body
  return {
    values: Object.fromEntries(items.map(({ name, value }: { name: string; value: unknown }) => [name, value])),
  }
}
