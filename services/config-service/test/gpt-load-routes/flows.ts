import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OpenedApi } from '../support/open-api.ts'
import { createGptLoadClient, groupInput } from './gpt-load-client.ts'

/** What public scripts do (admin-api.md 10). Those that call the proxy, too, are standalone's tests. */
export function describeFlows(api: () => Promise<OpenedApi>): void {
  describe('flows of public scripts', () => {
    test('pool builder: strict groups with keys, an aggregate over them, and the same once more after deleting', async () => {
      const { data } = createGptLoadClient(await api())
      const build = async () => {
        const members: number[] = []
        for (const name of ['pool-a', 'pool-b']) {
          const rules = { model_redirect_rules: { 'gpt-4o': 'gpt-4.1' }, model_redirect_strict: true }
          const { id } = await data('POST', '/api/groups', groupInput(name, rules))
          const keys = { group_id: id, keys_text: `sk-${name}-1\nsk-${name}-2` }
          assert.equal((await data('POST', '/api/keys/add-multiple', keys)).added_count, 2)
          members.push(id)
        }
        const aggregate = { name: 'pool', group_type: 'aggregate', channel_type: 'openai', test_model: '-' }
        const { id } = await data('POST', '/api/groups', aggregate)
        const subGroups = members.map((group_id) => ({ group_id, weight: 10 }))
        await data('POST', `/api/groups/${id}/sub-groups`, { sub_groups: subGroups })
        return [id, ...members]
      }
      for (let round = 0; round < 2; round += 1) {
        const [aggregate, ...members] = await build()
        const listed = await data('GET', `/api/groups/${aggregate}/sub-groups`)
        assert.deepEqual(
          listed.map((sub: { total_keys: number; group: { model_redirect_strict: boolean } }) => [
            sub.total_keys,
            sub.group.model_redirect_strict,
          ]),
          [
            [2, true],
            [2, true],
          ],
        )
        for (const id of members) await data('POST', '/api/keys/clear-all', { group_id: id })
        const cleared = await data('GET', `/api/groups/${aggregate}/sub-groups`)
        assert.deepEqual(
          cleared.map((sub: { total_keys: number }) => sub.total_keys),
          [0, 0],
        )
        for (const id of [aggregate, ...members]) await data('DELETE', `/api/groups/${id}`)
      }
    })

    test('round trip: a group that was read is written back whole with one field changed, secrets survive', async () => {
      const opened = await api()
      const { data } = createGptLoadClient(opened)
      const token = 'sk-round-trip-access-token'
      const fields = {
        proxy_keys: token,
        upstreams: [{ url: 'https://user:password@api.example.com/v1?api_key=s3cret', weight: 2 }],
        header_rules: [{ key: 'X-Secret', value: 'header-secret', action: 'set' }],
        config: { max_retries: 2, proxy_url: 'http://user:password@proxy.example.com:8080' },
        param_overrides: { temperature: 0.1 },
        model_redirect_rules: { a: 'b' },
      }
      const { id } = await data('POST', '/api/groups', groupInput('round', fields))
      const before = (await data('GET', '/api/groups')).find((group: { id: number }) => group.id === id)
      assert.doesNotMatch(JSON.stringify(before), /password|s3cret|header-secret/)
      const after = await data('PUT', `/api/groups/${id}`, { ...before, description: 'changed' })
      const { updated_at: _1, revision: _2, description, ...rest } = after
      const { updated_at: _3, revision: _4, description: _5, ...unchanged } = before
      assert.deepEqual([description, rest], ['changed', unchanged])
      const again = await data('PUT', `/api/groups/${id}`, after)
      assert.equal(again.revision, after.revision, 'what is there already is no change: every secret is the stored one')
      const info = await opened.call(`/proxy/round/api/integration/info?key=${token}`)
      assert.equal(info.status, 200)
    })

    test('round trip of an aggregate: its empty upstreams and "-" are ignored', async () => {
      const { data } = createGptLoadClient(await api())
      const aggregate = { name: 'round-agg', group_type: 'aggregate', channel_type: 'openai', test_model: '-' }
      const before = await data('POST', '/api/groups', aggregate)
      assert.deepEqual(before.upstreams, [])
      const after = await data('PUT', `/api/groups/${before.id}`, { ...before, display_name: 'Shown' })
      assert.deepEqual([after.display_name, after.test_model], ['Shown', '-'])
    })
  })
}
