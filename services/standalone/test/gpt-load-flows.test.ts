import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { adminAccessKeyId } from '@gpt-load/contracts/entity-id'
import { until } from '@gpt-load/testkit/until'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { start, temporaryFolder, type Running } from './support/standalone.ts'

/** Flows of public scripts that write through GPT-Load's own routes and call the proxy in the next line. */
const authKey = 'an-admin-key-of-my-own'
const accessKey = 'sk-access-key-of-the-script'

// oxlint-disable-next-line typescript/no-explicit-any
async function data(standalone: Running, method: string, path: string, body?: unknown): Promise<any> {
  const answer = await standalone.call(path, { key: authKey, method, ...(body === undefined ? {} : { body }) })
  const text = await answer.text()
  assert.equal(answer.status, 200, `${method} ${path}: ${text}`)
  return JSON.parse(text).data
}

const groupInput = (name: string, url: string) => ({
  name,
  channel_type: 'openai',
  test_model: 'gpt-4.1-nano',
  upstreams: [{ url, weight: 1 }],
  proxy_keys: accessKey,
})

describe("flows through GPT-Load's routes", () => {
  test('key pusher: finds its groups, pushes keys into several at once, and they serve; the log tells by which key', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using standalone = await start({ folder: temporaryFolder(), env: { AUTH_KEY: authKey } })
    const names = ['pushed-one', 'pushed-two']
    for (const name of names) await data(standalone, 'POST', '/api/groups', groupInput(name, provider.url))
    const groups: { id: number; name: string }[] = await data(standalone, 'GET', '/api/groups')
    const idOf = (name: string) => groups.find((group) => group.name === name)!.id
    const tasks = await Promise.all(
      names.map((name) => {
        const body = { group_id: idOf(name), keys_text: `sk-of-${name}-0123456789,sk-of-${name}-9876543210` }
        return data(standalone, 'POST', '/api/keys/add-async', body)
      }),
    )
    assert.deepEqual(
      tasks.map((task) => [task.task_type, task.is_running, task.total, task.group_name]),
      names.map((name) => ['KEY_IMPORT', true, 2, name]),
    )
    await until(async () => !(await data(standalone, 'GET', '/api/tasks/status')).is_running || undefined, {
      what: 'the end of both imports',
    })
    for (const name of names)
      assert.equal((await standalone.call(`/proxy/${name}/v1/models`, { key: accessKey })).status, 200)
    const key = String(provider.requests.at(-1)?.key)
    assert.match(key, /^sk-of-pushed-two-/)
    const logged = await until(
      async () => {
        const { items } = await data(standalone, 'GET', `/api/logs?group_name=pushed-two&key_value=${key}`)
        return items[0]
      },
      { what: 'the request in the log' },
    )
    assert.deepEqual([logged.key_value, logged.status_code, logged.request_type], [key, 200, 'final'])
    const { request_count: requests } = await data(standalone, 'GET', '/api/dashboard/stats')
    assert.ok(requests.value >= 1, String(requests.value))
  })

  test('pool builder: an aggregate serves with the keys of its members at once, and stops when it is deleted', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using standalone = await start({ folder: temporaryFolder(), env: { AUTH_KEY: authKey } })
    const members: number[] = []
    for (const name of ['one', 'two']) {
      const { id } = await data(standalone, 'POST', '/api/groups', groupInput(name, provider.url))
      const keys = { group_id: id, keys_text: `sk-of-${name}-0123456789` }
      await data(standalone, 'POST', '/api/keys/add-multiple', keys)
      members.push(id)
    }
    const aggregate = { name: 'pool', group_type: 'aggregate', channel_type: 'openai', test_model: '-' }
    const { id } = await data(standalone, 'POST', '/api/groups', { ...aggregate, proxy_keys: accessKey })
    const subGroups = members.map((group_id) => ({ group_id, weight: 1 }))
    await data(standalone, 'POST', `/api/groups/${id}/sub-groups`, { sub_groups: subGroups })
    for (let call = 0; call < 4; call += 1)
      assert.equal((await standalone.call('/proxy/pool/v1/models', { key: accessKey })).status, 200)
    assert.deepEqual(
      new Set(provider.requests.map(({ key }) => key)),
      new Set(['sk-of-one-0123456789', 'sk-of-two-0123456789']),
    )
    await data(standalone, 'DELETE', `/api/groups/${id}`)
    assert.equal((await standalone.call('/proxy/pool/v1/models', { key: accessKey })).status, 404)
  })

  test('model discovery: a group without keys says NO_KEYS_AVAILABLE, with one it lists models at once; AUTH_KEY opens nothing', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using standalone = await start({ folder: temporaryFolder(), env: { AUTH_KEY: authKey } })
    const { id } = await data(standalone, 'POST', '/api/groups', groupInput('temporary', provider.url))
    const models = (key: string) => standalone.call('/proxy/temporary/v1/models', { key })
    const empty = await models(accessKey)
    assert.deepEqual([empty.status, ((await empty.json()) as { code: string }).code], [503, 'NO_KEYS_AVAILABLE'])
    await data(standalone, 'POST', '/api/keys/add-multiple', { group_id: id, keys_text: 'sk-discovery-0123456789' })
    assert.equal((await models(accessKey)).status, 200)
    const refused = await models(authKey)
    assert.equal(refused.status, 401)
    assert.match(
      ((await refused.json()) as { error: { message: string } }).error.message,
      /Bearer.*auth_key_opens_proxy/,
    )
    await data(standalone, 'DELETE', `/api/groups/${id}`)
    assert.equal((await models(accessKey)).status, 404)
  })

  test('auth_key_opens_proxy: AUTH_KEY opens every group as in GPT-Load, until it is switched off, and never a former AUTH_KEY', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const folder = temporaryFolder()
    const models = (standalone: Running, key: string) => standalone.call('/proxy/pool/v1/models', { key })
    {
      await using standalone = await start({ folder, env: { AUTH_KEY: authKey } })
      // An access key with the same token that opens less does not narrow it.
      await data(standalone, 'POST', '/api/groups', { ...groupInput('other', provider.url), proxy_keys: authKey })
      const { id } = await data(standalone, 'POST', '/api/groups', groupInput('pool', provider.url))
      await data(standalone, 'POST', '/api/keys/add-multiple', { group_id: id, keys_text: 'sk-open-0123456789' })
      assert.equal((await models(standalone, authKey)).status, 403)
      await data(standalone, 'PUT', '/api/settings', { auth_key_opens_proxy: true })
      assert.equal((await models(standalone, authKey)).status, 200)
      const [row] = await until(
        async () => {
          const { items } = await data(standalone, 'GET', '/api/logs?group_name=pool&is_success=true')
          return items.length > 0 && items
        },
        { what: 'the request in the log' },
      )
      assert.equal(row.access_key_id, adminAccessKeyId)
      const listed = await standalone.call('/api/v1/access-keys', { key: authKey })
      const names = ((await listed.json()) as { items: { name: string }[] }).items.map(({ name }) => name)
      assert.ok(!names.includes('AUTH_KEY'), 'it is no access key that somebody could edit')
    }
    const renewed = 'another-admin-key-of-my-own'
    {
      await using standalone = await start({ folder, env: { AUTH_KEY: renewed } })
      assert.equal((await models(standalone, renewed)).status, 200)
      assert.equal((await models(standalone, authKey)).status, 403, 'what is left is the access key of the other group')
      const patch = { key: renewed, method: 'PUT', body: { auth_key_opens_proxy: false } }
      assert.equal((await standalone.call('/api/settings', patch)).status, 200)
      assert.equal((await models(standalone, renewed)).status, 401)
    }
    await using standalone = await start({ folder, env: { AUTH_KEY: renewed, AUTH_KEY_OPENS_PROXY: 'true' } })
    assert.equal((await models(standalone, renewed)).status, 401, 'what is stored is above the environment')
  })

  test('auth_key_opens_proxy of the environment holds for the AUTH_KEY of this start only', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    const folder = temporaryFolder()
    const models = (standalone: Running) => standalone.call('/proxy/pool/v1/models', { key: authKey })
    {
      await using standalone = await start({ folder, env: { AUTH_KEY: authKey, AUTH_KEY_OPENS_PROXY: 'true' } })
      const { id } = await data(standalone, 'POST', '/api/groups', groupInput('pool', provider.url))
      await data(standalone, 'POST', '/api/keys/add-multiple', { group_id: id, keys_text: 'sk-open-0123456789' })
      assert.equal((await models(standalone)).status, 200)
    }
    await using standalone = await start({ folder, env: { AUTH_KEY: authKey } })
    assert.equal((await models(standalone)).status, 401)
  })

  test('a group may point back to this server; a circle is cut', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using standalone = await start({ folder: temporaryFolder(), env: { AUTH_KEY: authKey } })
    const build = async (name: string, url: string, key: string) => {
      const { id } = await data(standalone, 'POST', '/api/groups', groupInput(name, url))
      await data(standalone, 'POST', '/api/keys/add-multiple', { group_id: id, keys_text: key })
    }
    await build('inner', provider.url, 'sk-inner-0123456789')
    await build('outer', `${standalone.url}/proxy/inner`, accessKey)
    assert.equal((await standalone.call('/proxy/outer/v1/models', { key: accessKey })).status, 200)
    await build('circle', `${standalone.url}/proxy/circle`, accessKey)
    const cut = await standalone.call('/proxy/circle/v1/models', { key: accessKey })
    assert.ok(cut.status >= 500, String(cut.status))
    assert.match(await cut.text(), /LOOP_DETECTED/)
  })

  test('the status routes of 0.1 reach the control plane through the one public port', async () => {
    await using standalone = await start({ folder: temporaryFolder(), env: { AUTH_KEY: authKey } })
    for (const path of ['/stats', '/blacklist', '/reset-keys']) {
      assert.equal((await standalone.call(path)).status, 401, path)
      assert.equal((await standalone.call(path, { key: authKey })).status, 200, path)
    }
  })
})
