import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConfigChange, FieldChange } from '@gpt-load/contracts/api/config'
import type { OpenedApi } from '../support/open-api.ts'

const upstreams = [{ url: 'https://api.example.com', weight: 1 }]
const group = (name: string, more: object = {}) => ({ name, channel: 'openai', upstreams, ...more })
const keys = (count: number, prefix = 'sk-config-key') => Array.from({ length: count }, (_, n) => `${prefix}-${n}`)

function bodyOf(owner: string, config: object, more: object = {}) {
  return { config: { version: 1, ...config }, owner, ...more }
}

export function describeConfig(api: () => Promise<OpenedApi>): void {
  describe('config as code', () => {
    test('a plan names every field that differs, secrets as fingerprints, and changes nothing', async () => {
      const { operate, revision } = await api()
      const secrets = { header: 'config-header-secret', token: 'gpl_config-plan-token-1', url: 'config-url-pa55word' }
      const config = {
        groups: [
          group('plan-a', {
            keys: keys(3),
            settings: { max_retries: 5 },
            header_rules: [{ key: 'X-Key', value: secrets.header, action: 'set' }],
          }),
        ],
        access_keys: [{ name: 'plan-team', key: secrets.token, groups: ['plan-a'], default_group: 'plan-a' }],
      }
      const before = await revision()
      const created = await operate('planConfig', { body: bodyOf('plan.yaml', config) })
      assert.equal(await revision(), before)
      const actions = (changes: ConfigChange[]) => changes.map(({ action, entity, name }) => [action, entity, name])
      assert.deepEqual(actions(created.body.changes), [
        ['create', 'group', 'plan-a'],
        ['create', 'access_key', 'plan-team'],
      ])
      assert.deepEqual(created.body.changes[0].keys, { stored: 0, added: 3, removed: 0 })
      const applied = await operate('applyConfig', { body: bodyOf('plan.yaml', config) })
      assert.deepEqual(applied.body.changes, created.body.changes)
      assert.equal(applied.headers.get('x-gptload-revision'), String(await revision()))
      assert.deepEqual((await operate('planConfig', { body: bodyOf('plan.yaml', config) })).body.changes, [])

      const [standard, accessKey] = [config.groups[0] as Record<string, unknown>, config.access_keys[0]]
      const edited = {
        groups: [
          {
            ...standard,
            keys: keys(4),
            settings: { max_retries: 6 },
            header_rules: [{ key: 'X-Key', value: 'config-header-other', action: 'set' }],
            upstreams: [{ url: `https://u:${secrets.url}@api.example.com`, weight: 2 }],
          },
        ],
        access_keys: [{ ...accessKey, key: 'gpl_config-plan-token-2', enabled: false }],
      }
      const plan = await operate('planConfig', { body: bodyOf('plan.yaml', edited) })
      const fields = new Map(
        plan.body.changes.flatMap((change: ConfigChange) =>
          change.fields.map(({ field, before: was, after }) => [`${change.name} ${field}`, [was, after]]),
        ),
      )
      assert.deepEqual(fields.get('plan-a settings.max_retries'), [5, 6])
      assert.deepEqual(fields.get('plan-team enabled'), [true, false])
      for (const [name, pattern] of [
        ['plan-a header_rules.X-Key', /^1: set secret #[0-9a-f]{12}$/],
        ['plan-team key', /^secret #[0-9a-f]{12}$/],
      ] as const) {
        const [was, after] = fields.get(name) as [string, string]
        assert.match(was, pattern)
        assert.match(after, pattern)
        assert.notEqual(was, after)
      }
      assert.deepEqual([...fields.keys()].toSorted(), [
        'plan-a header_rules.X-Key',
        'plan-a settings.max_retries',
        'plan-a upstreams',
        'plan-team enabled',
        'plan-team key',
      ])
      assert.deepEqual(plan.body.changes[0].keys, { stored: 3, added: 1, removed: 0 })
      for (const secret of [...Object.values(secrets), 'sk-config-key-'])
        assert.ok(!plan.text.includes(secret) && !created.text.includes(secret), secret)
    })

    test('a plan that was looked at is refused (409) once the configuration has moved, not when key states have', async () => {
      const { operate, call, store } = await api()
      const config = { groups: [group('moved', { keys: keys(1, 'sk-moved') })] }
      const { body: plan } = await operate('planConfig', { body: bodyOf('moved.yaml', config) })
      const expected = { epoch: plan.epoch, revision: plan.revision }
      const body = bodyOf('moved.yaml', config, { expected })
      const { id } = (await operate('createGroup', { body: group('moved-by-somebody') })).body
      const late = await call('/api/v1/config/apply', { method: 'POST', body })
      assert.deepEqual([late.status, late.body.code], [409, 'plan_outdated'])
      assert.equal(await store.database.group.count({ where: { name: 'moved' } }), 0)

      await operate('addKeys', { params: { id }, body: { keys: ['sk-moved-other'] } })
      const again = (await operate('planConfig', { body: bodyOf('moved.yaml', config) })).body
      const [key] = (await operate('listKeys', { params: { id } })).body.items
      await operate('disableKey', { params: { id: key.id }, body: {} })
      const fresh = { epoch: again.epoch, revision: again.revision }
      await operate('applyConfig', { body: bodyOf('moved.yaml', config, { expected: fresh }) })
      const otherEpoch = { epoch: 'f'.repeat(32), revision: fresh.revision + 100 }
      const restored = await call('/api/v1/config/apply', {
        method: 'POST',
        body: bodyOf('moved.yaml', config, { expected: otherEpoch }),
      })
      assert.equal(restored.body.code, 'plan_outdated')
    })

    test('what belongs to somebody else is refused whole, and taken over with `adopt` only', async () => {
      const { operate, call, store } = await api()
      await operate('createGroup', { body: group('foreign-person') })
      await operate('applyConfig', { body: bodyOf('one.yaml', { groups: [group('foreign-file')] }) })
      const config = { groups: [group('foreign-new'), group('foreign-person'), group('foreign-file')] }
      for (const path of ['plan', 'apply']) {
        const refused = await call(`/api/v1/config/${path}`, { method: 'POST', body: bodyOf('two.yaml', config) })
        assert.deepEqual([refused.status, refused.body.code], [409, 'conflict'])
        assert.deepEqual(refused.body.errors, [
          { pointer: '/config/groups/1', detail: 'is there already and belongs to nobody' },
          { pointer: '/config/groups/2', detail: 'belongs to "one.yaml"' },
        ])
      }
      assert.equal(await store.database.group.count({ where: { name: 'foreign-new' } }), 0)
      const { body } = await operate('applyConfig', { body: bodyOf('two.yaml', config, { adopt: true }) })
      assert.deepEqual(body.changes[1].fields, [{ field: 'managed_by', before: null, after: 'two.yaml' }])
      assert.equal(await store.database.group.count({ where: { managed_by: 'two.yaml' } }), 3)
    })

    test('nothing is deleted without `prune`, and then only what is of the same owner', async () => {
      const { operate, call } = await api()
      const access = { name: 'pruned-team', key: 'gpl_pruned-token-00001', groups: ['*'] }
      const settings = { max_wait_ms: 1234 }
      await operate('createGroup', { body: group('pruned-not-ours') })
      const full = { groups: [group('pruned-a'), group('pruned-b')], access_keys: [access], settings }
      await operate('applyConfig', { body: bodyOf('pruned.yaml', full) })
      const less = { groups: [group('pruned-a')] }
      const kept = await operate('applyConfig', { body: bodyOf('pruned.yaml', less) })
      assert.deepEqual(kept.body.changes, [])
      assert.deepEqual(kept.body.unpruned, [
        { entity: 'group', name: 'pruned-b', count: 1 },
        { entity: 'access_key', name: 'pruned-team', count: 1 },
        { entity: 'setting', name: 'max_wait_ms', count: 1 },
      ])
      const pruned = await operate('applyConfig', { body: bodyOf('pruned.yaml', less, { prune: true }) })
      assert.deepEqual(
        pruned.body.changes.map(({ action, name }: ConfigChange) => [action, name]),
        [
          ['delete', 'pruned-b'],
          ['delete', 'pruned-team'],
          ['delete', 'max_wait_ms'],
        ],
      )
      const names = (await operate('listGroups', { query: 'search=pruned' })).body.items.map(
        ({ name }: { name: string }) => name,
      )
      assert.deepEqual(names.toSorted(), ['pruned-a', 'pruned-not-ours'])
      assert.deepEqual((await operate('listAccessKeys', { query: 'search=pruned' })).body.items, [])
      const entry = (await operate('listSettings')).body.items.find(
        ({ name }: { name: string }) => name === 'max_wait_ms',
      )
      assert.deepEqual([entry.value, entry.source], [1_000, 'default'])
      const anyOwner = await call('/api/v1/config/plan', { method: 'POST', body: bodyOf('', less) })
      assert.equal(anyOwner.body.errors[0].pointer, '/owner')
    })

    test('exact keys are a set: the others go with `prune`, more than 30 % of a group only when that is allowed', async () => {
      const { operate, call, store } = await api()
      const apply = (count: number, more: object) => ({
        body: bodyOf(
          'exact.yaml',
          { groups: [group('exact', { keys_managed: 'exact', keys: keys(count, 'sk-exact') })] },
          more,
        ),
      })
      await operate('applyConfig', apply(10, {}))
      const { id } = await store.database.group.findUniqueOrThrow({ where: { name: 'exact' } })
      const stored = async () => {
        const rows = await store.database.groupKeyCount.findMany({ where: { group_id: id } })
        const counted = rows.reduce((sum, { count }) => sum + count, 0)
        assert.equal(counted, await store.database.providerKey.count({ where: { group_id: id } }))
        return counted
      }
      const listed = await operate('applyConfig', apply(7, {}))
      assert.deepEqual([listed.body.unpruned, await stored()], [[{ entity: 'keys', name: 'exact', count: 3 }], 10])
      const refused = await call('/api/v1/config/apply', { method: 'POST', ...apply(6, { prune: true }) })
      assert.deepEqual([refused.status, refused.body.code, await stored()], [409, 'conflict', 10])
      assert.match(refused.body.detail, /"exact" would lose 4 of 10 keys/)
      const third = await operate('applyConfig', apply(7, { prune: true }))
      assert.deepEqual(third.body.changes[0].keys, { stored: 10, added: 0, removed: 3 })
      assert.equal(await stored(), 7)
      await operate('applyConfig', apply(1, { prune: true, allow_mass_delete: true }))
      assert.equal(await stored(), 1)
      const gone = bodyOf('exact.yaml', { groups: [] }, { prune: true })
      assert.equal((await call('/api/v1/config/plan', { method: 'POST', body: gone })).status, 409)
    })

    test('an access key that does not open its default group any more loses it, and the plan says so', async () => {
      const { operate } = await api()
      const groups = [group('default-a'), group('default-b')]
      const key = { name: 'default team', key: 'gpl_default-token-0001' }
      const first = { groups, access_keys: [{ ...key, groups: ['default-a'], default_group: 'default-a' }] }
      await operate('applyConfig', { body: bodyOf('default.yaml', first) })
      const second = bodyOf('default.yaml', { groups, access_keys: [{ ...key, groups: ['default-b'] }] })
      const { body } = await operate('applyConfig', { body: second })
      assert.deepEqual(
        body.changes[0].fields.toSorted((a: FieldChange, b: FieldChange) => (a.field < b.field ? -1 : 1)),
        [
          { field: 'default_group', before: 'default-a', after: null },
          { field: 'groups', before: ['default-a'], after: ['default-b'] },
        ],
      )
      assert.deepEqual((await operate('planConfig', { body: second })).body.changes, [])
    })

    test('what does not fit is said at once, by pointers into the request', async () => {
      const { call } = await api()
      const config = {
        groups: [
          { name: 'unfit', channel: 'openai', members: [{ group: 'no-such-group', weight: 1 }] },
          group('unfit-file', { keys_file: '/etc/passwd' }),
        ],
        access_keys: [{ name: 'unfit', key: 'gpl_unfit-token-000001', groups: ['nowhere'] }],
      }
      const early = await call('/api/v1/config/plan', { method: 'POST', body: bodyOf('unfit.yaml', config) })
      assert.deepEqual([early.status, early.body.errors[0].pointer], [400, '/config/groups/1/keys_file'])
      config.groups.pop()
      const late = await call('/api/v1/config/apply', { method: 'POST', body: bodyOf('unfit.yaml', config) })
      assert.deepEqual(
        [late.status, late.body.errors.map(({ pointer }: { pointer: string }) => pointer)],
        [400, ['/config/groups/0/members/0/group', '/config/access_keys/0/groups/0']],
      )
      const twice = bodyOf('unfit.yaml', { groups: [group('unfit-twice'), group('unfit-twice')] })
      const answer = await call('/api/v1/config/plan', { method: 'POST', body: twice })
      assert.equal(answer.body.errors[0].pointer, '/config/groups/1/name')
    })

    test('an export has placeholders for secrets; with them it needs secrets:read and leaves an audit row', async () => {
      const { operate, call } = await api()
      const config = {
        groups: [group('exported', { keys: ['sk-exported-key-aaaa'], description: 'costs ${x}' })],
        access_keys: [{ name: 'exported team', key: 'gpl_exported-token-0001', groups: ['exported'] }],
      }
      await operate('applyConfig', { body: bodyOf('exported.yaml', config) })
      const { body, text } = await operate('exportConfig', { query: 'owner=exported.yaml' })
      assert.deepEqual(body.config, {
        version: 1,
        groups: [
          {
            name: 'exported',
            channel: 'openai',
            description: 'costs $${x}',
            upstreams,
            keys: ['${env:EXPORTED_KEY_1}'],
          },
        ],
        access_keys: [{ name: 'exported team', key: '${env:ACCESS_KEY_EXPORTED_TEAM}', groups: ['exported'] }],
      })
      assert.deepEqual(
        body.placeholders.map(({ variable }: { variable: string }) => variable),
        ['EXPORTED_KEY_1', 'ACCESS_KEY_EXPORTED_TEAM'],
      )
      assert.ok(!text.includes('sk-exported-key-aaaa'))
      const machine = { name: 'exporter', scopes: ['read', 'write'] }
      const { token } = (await operate('createAdminToken', { body: machine })).body
      const path = '/api/v1/config/export?owner=exported.yaml&with_secrets=true'
      const refused = await call(path, { headers: { authorization: `Bearer ${token}` } })
      assert.equal(refused.status, 403)
      const count = async () => (await operate('listAudit', { query: 'entity=config' })).body.items.length
      const before = await count()
      const shown = await call(path)
      assert.deepEqual(shown.body.config.groups[0].keys, ['sk-exported-key-aaaa'])
      assert.equal(await count(), before + 1)
      assert.equal((await call('/api/v1/config/export?group=no-such-group')).status, 404)
    })
  })
}
