import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OpenedApi } from '../support/open-api.ts'
import { createGptLoadClient } from './gpt-load-client.ts'
import { typesOf } from './groups.ts'

type Shown = { key: string; value: unknown; category: string }

export function describeSettings(api: () => Promise<OpenedApi>): void {
  const client = async () => createGptLoadClient(await api())
  const shown = async (): Promise<Shown[]> =>
    (await (await client()).data('GET', '/api/settings')).flatMap(({ settings }: { settings: Shown[] }) => settings)
  const valueOf = async (key: string) => (await shown()).find((one) => one.key === key)?.value

  describe('settings', () => {
    test('are shown in three categories with the fields of GPT-Load', async () => {
      const { data } = await client()
      const categories = await data('GET', '/api/settings', undefined, { 'accept-language': 'ja-JP' })
      assert.deepEqual(
        categories.map(({ category_name }: { category_name: string }) => category_name),
        ['基本設定', 'リクエスト設定', 'キー設定'],
      )
      const retries = (await shown()).find(({ key }) => key === 'max_retries')
      assert.deepEqual(typesOf(retries!), {
        key: 'string',
        name: 'string',
        value: 'number',
        type: 'string',
        default_value: 'string',
        description: 'string',
        category: 'string',
        min_value: 'number',
        required: 'boolean',
      })
    })

    test('PUT changes a subset, all or nothing; unknown names and wrong types are refused', async () => {
      const { data, refused } = await client()
      const path = '/api/settings'
      assert.equal(await data('PUT', path, { max_retries: 7 }), undefined)
      for (const wrong of [{ nope: 1 }, { blacklist_threshold: -1 }, { blacklist_threshold: '3' }])
        await refused({ path, method: 'PUT', body: { max_retries: 9, ...wrong } }, 400, 'VALIDATION_FAILED')
      assert.equal(await valueOf('max_retries'), 7)
    })

    test('proxy_keys are the access keys of all groups: added by token, kept by mask, shut out when missing', async () => {
      const opened = await api()
      const { data } = createGptLoadClient(opened)
      const opens = async (token: string) =>
        (await opened.call(`/api/integration/info?key=${token}`, { headers: { authorization: '' } })).status
      const [one, two] = ['sk-global-token-number-1', 'sk-global-token-number-2']
      await data('PUT', '/api/settings', { proxy_keys: one })
      const mask = String(await valueOf('proxy_keys'))
      assert.ok(mask !== '' && !mask.includes(one))
      await data('PUT', '/api/settings', { proxy_keys: `${mask}, ${two}` })
      assert.deepEqual([await opens(one), await opens(two)], [200, 200])
      await data('PUT', '/api/settings', { proxy_keys: mask })
      assert.deepEqual([await opens(one), await opens(two)], [200, 400])
      await data('PUT', '/api/settings', { max_retries: 3 })
      assert.equal(await opens(one), 200, 'left out is unchanged')
    })
  })
}
