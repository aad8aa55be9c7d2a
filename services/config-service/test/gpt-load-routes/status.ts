import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { adminKey, type OpenedApi } from '../support/open-api.ts'
import { createGptLoadClient, groupInput, putKeyIntoState } from './gpt-load-client.ts'

const nobody = { authorization: '' }

export function describeStatus(api: () => Promise<OpenedApi>): void {
  describe('status routes of 0.1', () => {
    let groupId = 0
    const pool = async (): Promise<OpenedApi> => {
      const opened = await api()
      if (groupId !== 0) return opened
      const { data } = createGptLoadClient(opened)
      groupId = (await data('POST', '/api/groups', groupInput('default'))).id
      const body = { keys: ['sk-default-key-number-1', 'sk-default-key-number-2'] }
      await opened.operate('addKeys', { params: { id: groupId }, body })
      return opened
    }
    /** By hand, as a provider's refusals would. */
    const condemn = async (opened: OpenedApi): Promise<void> => {
      const cause = { at: 1_000, class: 'key_auth', status: 401, code: 'invalid_api_key' } as const
      await putKeyIntoState(opened, { groupId, hintEnd: '1', state: 'invalid', failures: 3, cause })
    }

    test('all of them need the admin key', async () => {
      const { call } = await pool()
      for (const path of ['/stats', '/blacklist', '/reset-keys'])
        assert.equal((await call(path, { headers: nobody })).status, 401, path)
    })

    test('/stats counts keys and requests of the group, and lists all groups', async () => {
      const { call } = await pool()
      const { status, body } = await call('/stats')
      assert.equal(status, 200)
      assert.deepEqual(body.keys, { total: 2, healthy: 2, blacklisted: 0 })
      assert.equal(body.requests.success_count + body.requests.failure_count, body.requests.total_count)
      assert.equal(body.system.node_version, process.version)
      assert.ok(body.memory.sys_mb > 0)
      assert.deepEqual(
        body.groups.find(({ name }: { name: string }) => name === 'default'),
        { name: 'default', keys: body.keys },
      )
      assert.equal((await call('/stats?group=absent')).status, 404)
    })

    test('/blacklist says why a key is out and never shows it; /reset-keys by a header brings it back', async () => {
      const opened = await pool()
      const { call } = opened
      await condemn(opened)
      const { body, text } = await call('/blacklist')
      assert.equal(body.count, 1)
      assert.deepEqual(body.blacklisted_keys, [
        {
          preview: 'sk-…r-1',
          reason: '401 invalid_api_key',
          blacklistAt: '1970-01-01T00:00:01.000Z',
          failCount: 3,
          until: null,
        },
      ])
      assert.ok(!text.includes('sk-default-key-number-1'))
      const reset = await call('/reset-keys')
      assert.deepEqual([reset.status, reset.body.total_keys, reset.body.healthy_keys], [200, 2, 2])
      assert.equal((await call('/blacklist')).body.count, 0)
    })

    test('/reset-keys by GET takes no key from the URL and no cookie; POST takes both', async () => {
      const opened = await pool()
      const { call } = opened
      const login = await call('/api/auth/login', { method: 'POST', body: { auth_key: adminKey }, headers: nobody })
      const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
      assert.equal((await call(`/reset-keys?key=${adminKey}`, { headers: nobody })).status, 401)
      assert.equal((await call('/reset-keys', { headers: { ...nobody, cookie } })).status, 401)
      const post = (headers: Record<string, string>) => call('/reset-keys', { method: 'POST', headers })
      assert.equal((await post({ ...nobody, cookie, origin: opened.url })).status, 200)
      assert.equal((await post({ ...nobody, cookie, origin: 'https://evil.example' })).status, 403)
    })
  })
}
