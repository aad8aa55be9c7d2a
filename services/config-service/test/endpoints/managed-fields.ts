import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { configFileSchema } from '@gpt-load/contracts/config-file'
import { applyConfig } from '../../src/config/apply-config.ts'
import type { OpenedApi } from '../support/open-api.ts'

const upstreams = [{ url: 'https://api.example.com', weight: 1 }]
const group = (name: string, more: object = {}) => ({ name, channel: 'openai', upstreams, ...more })
const always = ['channel', 'name', 'upstreams']

export function describeManagedFields(api: () => Promise<OpenedApi>): void {
  const bodyOf = (owner: string, config: object, more: object = {}) => ({
    body: { config: { version: 1, ...config }, owner, ...more },
  })
  const named = async (id: 'listGroups' | 'listAccessKeys', name: string) =>
    (await (await api()).operate(id, { query: `search=${name}` })).body.items.find(
      (item: { name: string }) => item.name === name,
    )
  const groupOf = (name: string) => named('listGroups', name)
  const accessKeyOf = (name: string) => named('listAccessKeys', name)

  describe('fields that a file manages', () => {
    test('are those that it names, with each setting by itself, and never its keys', async () => {
      const { operate } = await api()
      const token = 'gpl_fields-token-000001'
      const config = {
        groups: [
          group('fields-a', {
            keys: ['sk-fields-key-1'],
            keys_managed: 'exact',
            settings: { max_retries: 2, max_wait_ms: 10 },
            param_overrides: { seed: 1 },
            header_rules: [],
            enabled: true,
          }),
          { name: 'fields-pool', channel: 'openai', members: [{ group: 'fields-a', weight: 1 }] },
        ],
        access_keys: [{ name: 'fields-team', key: token, groups: ['fields-a'], note: '' }],
      }
      await operate('applyConfig', bodyOf('fields.yaml', config))
      assert.deepEqual((await groupOf('fields-a')).managed_fields, [
        'channel',
        'enabled',
        'header_rules',
        'name',
        'param_overrides',
        'settings.max_retries',
        'settings.max_wait_ms',
        'upstreams',
      ])
      assert.deepEqual((await groupOf('fields-pool')).managed_fields, ['channel', 'members', 'name'])
      assert.deepEqual((await accessKeyOf('fields-team')).managed_fields, ['groups', 'key', 'name', 'note'])
      const { body: copy } = await operate('copyGroup', {
        params: { id: (await groupOf('fields-a')).id },
        body: { name: 'fields-copy' },
      })
      assert.deepEqual([copy.managed_by, copy.managed_fields], [null, []])
    })

    test('follow the file at each apply, which alone is no change: no plan, no revision, no edit lost', async () => {
      const { operate, revision } = await api()
      const key = { name: 'fewer-team', key: 'gpl_fewer-token-0000001', groups: ['*'] }
      const full = {
        groups: [group('fewer', { description: 'mine', settings: { max_retries: 2 } }), group('fewer-gone')],
        access_keys: [{ ...key, note: 'mine' }],
      }
      await operate('applyConfig', bodyOf('fewer.yaml', full))
      const { id, revision: etag } = await groupOf('fewer')
      await operate('updateGroup', { params: { id }, body: { sort: 7 } })
      const before = await revision()

      const fewer = bodyOf('fewer.yaml', { groups: [group('fewer', { sort: 7 })], access_keys: [key] })
      assert.deepEqual((await operate('planConfig', fewer)).body.changes, [])
      const { body, headers } = await operate('applyConfig', fewer)
      assert.deepEqual([body.changes, headers.get('x-gptload-revision')], [[], null])
      const stored = await groupOf('fewer')
      assert.deepEqual(stored.managed_fields, [...always, 'sort'].toSorted())
      assert.deepEqual([stored.description, stored.settings], ['mine', { max_retries: 2 }])
      assert.ok(stored.revision > etag)
      assert.deepEqual((await accessKeyOf('fewer-team')).managed_fields, ['groups', 'key', 'name'])
      // Still the file's, though it names nothing of it.
      const gone = await groupOf('fewer-gone')
      assert.deepEqual([gone.managed_by, gone.managed_fields], ['fewer.yaml', []])
      assert.equal(await revision(), before)

      await operate('applyConfig', bodyOf('fewer.yaml', { groups: [group('fewer-gone')] }, { prune: true }))
      assert.equal(await groupOf('fewer'), undefined)
      assert.equal(await accessKeyOf('fewer-team'), undefined)
      assert.deepEqual((await groupOf('fewer-gone')).managed_fields, always)
    })

    test('go with their owner: another file names its own, and a rollback to before it leaves none', async () => {
      const { operate, revision } = await api()
      await operate('createGroup', { body: group('owned') })
      const byNobody = await revision()
      await operate(
        'applyConfig',
        bodyOf('first.yaml', { groups: [group('owned', { enabled: true })] }, { adopt: true }),
      )
      const byFirst = await revision()
      await operate('applyConfig', bodyOf('second.yaml', { groups: [group('owned', { sort: 1 })] }, { adopt: true }))
      const owned = async () => {
        const { managed_by: owner, managed_fields: fields } = await groupOf('owned')
        return [owner, fields]
      }
      assert.deepEqual(await owned(), ['second.yaml', [...always, 'sort'].toSorted()])
      await operate('rollBackPolicy', { body: { revision: byFirst } })
      assert.deepEqual(await owned(), ['first.yaml', []])
      await operate('rollBackPolicy', { body: { revision: byNobody } })
      assert.deepEqual(await owned(), [null, []])
    })

    test('are recorded at a start with --config too, without a revision when nothing else is new', async () => {
      const { service, revision } = await api()
      const startWith = (config: object) =>
        applyConfig(service.systemContext('startup'), {
          config: configFileSchema.parse({ version: 1, ...config }),
          managedBy: 'start.yaml',
          openKeysFile: () => assert.fail('no keys file'),
        })
      await startWith({ groups: [group('started', { description: 'mine' })] })
      const before = await revision()
      assert.deepEqual((await groupOf('started')).managed_fields, [...always, 'description'].toSorted())
      const report = await startWith({ groups: [group('started')] })
      assert.deepEqual([report.revision, await revision()], [null, before])
      assert.deepEqual((await groupOf('started')).managed_fields, always)
    })
  })
}
