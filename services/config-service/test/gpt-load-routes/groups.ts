import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OpenedApi } from '../support/open-api.ts'
import { createGptLoadClient, groupInput, putKeyIntoState } from './gpt-load-client.ts'

/** JSON types by field, as GPT-Load has them (admin-api.md 2). */
const groupTypes = {
  id: 'number',
  name: 'string',
  endpoint: 'string',
  display_name: 'string',
  description: 'string',
  group_type: 'string',
  upstreams: 'array',
  channel_type: 'string',
  sort: 'number',
  test_model: 'string',
  validation_endpoint: 'string',
  param_overrides: 'null',
  model_redirect_rules: 'object',
  model_redirect_strict: 'boolean',
  config: 'null',
  header_rules: 'null',
  proxy_keys: 'string',
  last_validated_at: 'null',
  created_at: 'string',
  updated_at: 'string',
}

export function typesOf(value: object): Record<string, string> {
  const typeOf = (one: unknown): string => (one === null ? 'null' : Array.isArray(one) ? 'array' : typeof one)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, typeOf(one)]))
}

export function describeGroups(api: () => Promise<OpenedApi>): void {
  const client = async () => createGptLoadClient(await api())

  describe('groups', () => {
    test('a group has all fields of GPT-Load with their JSON types', async () => {
      const opened = await api()
      const { data } = createGptLoadClient(opened)
      const group = await data('POST', '/api/groups', groupInput('fields'))
      assert.partialDeepStrictEqual(typesOf(group), groupTypes)
      assert.equal(group.endpoint, `${opened.url}/proxy/fields`)
      assert.deepEqual(group.upstreams, [{ url: 'https://api.example.com', weight: 1 }])
      assert.match(group.created_at, /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/)
    })

    test('endpoint begins with app_url when it is set', async () => {
      const { data } = await client()
      const { id } = await data('POST', '/api/groups', groupInput('public'))
      await data('PUT', '/api/settings', { app_url: 'https://llm.example.com/' })
      assert.equal((await data('GET', `/api/groups/${id}`)).endpoint, 'https://llm.example.com/proxy/public')
      await data('PUT', '/api/settings', { app_url: '' })
    })

    test('broken rules are VALIDATION_FAILED and name the field, a taken name DUPLICATE_RESOURCE', async () => {
      const { data, refused } = await client()
      const post = { path: '/api/groups', method: 'POST' }
      const wrong = await refused(
        { ...post, body: groupInput('ok', { channel_type: 'nope' }) },
        400,
        'VALIDATION_FAILED',
      )
      assert.match(wrong.body.message, /channel_type/)
      await refused({ ...post, body: groupInput('Upper Case') }, 400, 'VALIDATION_FAILED')
      await refused({ ...post, body: groupInput('ok', { upstreams: [] }) }, 400, 'VALIDATION_FAILED')
      await refused({ ...post, body: groupInput('ok', { test_model: '' }) }, 400, 'VALIDATION_FAILED')
      await data('POST', '/api/groups', groupInput('taken'))
      await refused({ ...post, body: groupInput('taken') }, 409, 'DUPLICATE_RESOURCE')
      await refused({ path: '/api/groups/abc' }, 400, 'BAD_REQUEST')
      await refused({ path: '/api/groups/99999' }, 404, 'NOT_FOUND')
    })

    test('PUT leaves out what is absent or null, replaces config whole, and clears by {}', async () => {
      const { data } = await client()
      const config = { max_retries: 1, blacklist_threshold: 2 }
      const { id } = await data('POST', '/api/groups', groupInput('put', { config, description: 'kept' }))
      const path = `/api/groups/${id}`
      const one = await data('PUT', path, { config: { max_retries: 5 }, description: null, test_model: '' })
      assert.deepEqual([one.config, one.description, one.test_model], [{ max_retries: 5 }, 'kept', 'gpt-4.1-nano'])
      assert.equal((await data('PUT', path, { config: {} })).config, null)
    })

    test('the list is in the order of sort, newest first among equals, and reorder changes it all or nothing', async () => {
      const { data, refused } = await client()
      const ids: number[] = []
      for (const name of ['order-a', 'order-b', 'order-c'])
        ids.push((await data('POST', '/api/groups', groupInput(name, { sort: 900 }))).id)
      const order = async () =>
        (await data('GET', '/api/groups/list'))
          .map(({ name }: { name: string }) => name)
          .filter((name: string) => name.startsWith('order-'))
      assert.deepEqual(await order(), ['order-c', 'order-b', 'order-a'])
      const items = [
        { id: ids[0], sort: 901 },
        { id: 99_999, sort: 1 },
      ]
      const path = '/api/groups/reorder'
      await refused({ path, method: 'PUT', body: { items } }, 400, 'VALIDATION_FAILED')
      await refused({ path, method: 'PUT', body: { items: [] } }, 400, 'VALIDATION_FAILED')
      await data('PUT', path, { items: [{ id: ids[2], sort: 902 }] })
      assert.deepEqual(await order(), ['order-b', 'order-a', 'order-c'])
    })

    test('config options are the 14 settings that a GPT-Load group may override, with typed values', async () => {
      const { data } = await client()
      const options = await data('GET', '/api/groups/config-options')
      assert.equal(options.length, 14)
      const retries = options.find(({ key }: { key: string }) => key === 'max_retries')
      assert.deepEqual(typesOf(retries), {
        key: 'string',
        name: 'string',
        description: 'string',
        default_value: 'number',
      })
    })

    test('statistics count keys by status and requests of the group in three windows', async () => {
      const { data } = await client()
      const { id } = await data('POST', '/api/groups', groupInput('counted'))
      await data('POST', '/api/keys/add-multiple', { group_id: id, keys_text: 'sk-counted-1 sk-counted-2' })
      const stats = await data('GET', `/api/groups/${id}/stats`)
      assert.deepEqual(stats.key_stats, { total_keys: 2, active_keys: 2, invalid_keys: 0 })
      const windows = [stats.stats_24_hour, stats.stats_7_day, stats.stats_30_day]
      for (const { failure_rate } of windows) assert.equal(failure_rate, 0.3333)
      const [day, week, month] = windows.map(({ total_requests }) => Number(total_requests))
      assert.ok(day! < week! && week! < month!)
    })

    test('a copy gets the next free name, " Copy" behind the display name, and the keys unless told otherwise', async () => {
      const { data, refused } = await client()
      const { id } = await data('POST', '/api/groups', groupInput('src', { display_name: 'Source' }))
      await data('POST', '/api/keys/add-multiple', { group_id: id, keys_text: 'sk-copied-1' })
      const first = await data('POST', `/api/groups/${id}/copy`, {})
      assert.deepEqual([first.group.name, first.group.display_name], ['src_copy', 'Source Copy'])
      const second = await data('POST', `/api/groups/${id}/copy`, { copy_keys: 'none' })
      assert.equal(second.group.name, 'src_copy_2')
      const totalOf = async (group: { id: number }) =>
        (await data('GET', `/api/groups/${group.id}/stats`)).key_stats.total_keys
      assert.deepEqual([await totalOf(first.group), await totalOf(second.group)], [1, 0])
      const half = { path: `/api/groups/${id}/copy`, method: 'POST', body: { copy_keys: 'odd' } }
      await refused(half, 400, 'VALIDATION_FAILED')
      await data('POST', '/api/keys/add-multiple', { group_id: id, keys_text: 'sk-copied-key-number-0002' })
      await putKeyIntoState(await api(), { groupId: id, hintEnd: '002', state: 'invalid' })
      const third = await data('POST', `/api/groups/${id}/copy`, { copy_keys: 'valid_only' })
      assert.equal(await totalOf(third.group), 1)
    })

    test('sub-groups are added to, weighted, listed with key counts, and taken out; parents are told', async () => {
      const { data, refused } = await client()
      const member = async (name: string) => (await data('POST', '/api/groups', groupInput(name))).id
      const [one, two] = [await member('sub-one'), await member('sub-two')]
      const aggregate = { name: 'agg', group_type: 'aggregate', channel_type: 'openai', test_model: '-' }
      const { id, test_model } = await data('POST', '/api/groups', aggregate)
      assert.equal(test_model, '-')
      const path = `/api/groups/${id}/sub-groups`
      await data('POST', path, { sub_groups: [{ group_id: one, weight: 3 }] })
      await data('POST', path, { sub_groups: [{ group_id: two, weight: 1 }] })
      const again = { path, method: 'POST', body: { sub_groups: [{ group_id: one, weight: 9 }] } }
      await refused(again, 400, 'BAD_REQUEST')
      await refused({ path: `/api/groups/${one}/sub-groups` }, 400, 'BAD_REQUEST')
      await data('PUT', `${path}/${two}/weight`, { weight: 1_000 })
      const unknown = { path: `${path}/${id}/weight`, method: 'PUT', body: { weight: 1 } }
      await refused(unknown, 404, 'NOT_FOUND')
      const listed = await data('GET', path)
      assert.deepEqual(
        listed.map((sub: { group: { name: string }; weight: number; total_keys: number }) => [
          sub.group.name,
          sub.weight,
          sub.total_keys,
        ]),
        [
          ['sub-one', 3, 0],
          ['sub-two', 1_000, 0],
        ],
      )
      const parents = await data('GET', `/api/groups/${two}/parent-aggregate-groups`)
      assert.deepEqual(parents, [{ group_id: id, name: 'agg', display_name: '', weight: 1_000 }])
      await data('DELETE', `${path}/${one}`)
      await refused({ path: `${path}/${one}`, method: 'DELETE' }, 404, 'NOT_FOUND')
      const change = { path: `/api/groups/${two}`, method: 'PUT', body: { channel_type: 'gemini' } }
      await refused(change, 400, 'VALIDATION_FAILED')
    })

    test('DELETE removes the group', async () => {
      const { data, refused } = await client()
      const { id } = await data('POST', '/api/groups', groupInput('gone'))
      assert.equal(await data('DELETE', `/api/groups/${id}`), undefined)
      await refused({ path: `/api/groups/${id}`, method: 'DELETE' }, 404, 'NOT_FOUND')
    })

    test('proxy_keys: a new token opens the group, a mask keeps it, a missing one is shut out, a short one is refused', async () => {
      const opened = await api()
      const { data, refused } = createGptLoadClient(opened)
      const [first, second] = ['sk-proxy-token-number-one', 'sk-proxy-token-number-two']
      const group = await data('POST', '/api/groups', groupInput('doors', { proxy_keys: first }))
      assert.ok(!group.proxy_keys.includes(first))
      const path = `/api/groups/${group.id}`
      const opens = async (token: string) =>
        (await opened.call(`/proxy/doors/api/integration/info?key=${token}`, { headers: { authorization: '' } })).status
      assert.equal(await opens(first), 200)
      const both = await data('PUT', path, { proxy_keys: `${group.proxy_keys},${second}` })
      assert.equal(both.proxy_keys.split(',').length, 2)
      assert.deepEqual([await opens(first), await opens(second)], [200, 200])
      await data('PUT', path, { proxy_keys: both.proxy_keys.split(',')[1] })
      assert.deepEqual([await opens(first), await opens(second)], [400, 200])
      const other = await data('POST', '/api/groups', groupInput('doors-2', { proxy_keys: second }))
      assert.equal(other.proxy_keys, both.proxy_keys.split(',')[1], 'one access key, two groups')
      await refused({ path, method: 'PUT', body: { proxy_keys: 'short' } }, 400, 'VALIDATION_FAILED')
      assert.equal(await opens(second), 200)
    })
  })
}
