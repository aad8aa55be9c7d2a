import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApi } from '../support/open-api.ts'
import { sqliteConnection } from '../support/open-stores.ts'

const open = { authorization: '' }

test('panels learn what an access key opens, in the shape that GPT-Load has', async () => {
  await using api = await openApi(sqliteConnection(), { trustedProxies: ['127.0.0.1'] })
  const upstreams = [{ url: 'https://api.example.com' }]
  const group = async (name: string, more: object) =>
    Number((await api.operate('createGroup', { body: { name, channel: 'openai', upstreams, ...more } })).body.id)
  const first = await group('first', { display_name: 'First' })
  const custom = await group('custom', { validation_endpoint: '/api/paas/v4/chat/completions', sort: 1 })
  const disabled = await group('disabled', { enabled: false })
  await group('closed', {})
  const created = await api.operate('createAccessKey', { body: { name: 'k', group_ids: [first, custom, disabled] } })
  const { key, id } = created.body
  const get = (path: string, headers: Record<string, string> = {}) =>
    api.call(path, { headers: { ...open, ...headers } })

  const all = await get(`/api/integration/info?key=${key}`)
  assert.deepEqual(all.body, {
    code: 0,
    message: 'Success',
    data: [
      { name: 'first', display_name: 'First', channel_type: 'openai', path: '/proxy/first' },
      { name: 'custom', display_name: '', channel_type: 'custom', path: '/proxy/custom/api/paas/v4/chat/completions' },
    ],
  })
  const one = await get('/proxy/custom/api/integration/info', { 'x-api-key': key })
  assert.deepEqual(one.body.data, [
    { name: 'custom', display_name: '', channel_type: 'custom', path: '/api/paas/v4/chat/completions' },
  ])
  const refusals = [
    ['/api/integration/info', 400, 'VALIDATION_FAILED'],
    ['/api/integration/info?key=wrong', 401, 'UNAUTHORIZED'],
    [`/proxy/none/api/integration/info?key=${key}`, 404, 'NOT_FOUND'],
    [`/proxy/closed/api/integration/info?key=${key}`, 400, 'VALIDATION_FAILED'],
    [`/proxy/disabled/api/integration/info?key=${key}`, 400, 'VALIDATION_FAILED'],
  ] as const
  for (const [path, status, code] of refusals) {
    const answer = await get(path)
    assert.deepEqual([answer.status, answer.body.code], [status, code], path)
  }
  await api.operate('updateAccessKey', { params: { id }, body: { enabled: false } })
  assert.equal((await get(`/api/integration/info?key=${key}`)).status, 401)
  for (let guess = 0; guess < 10; guess += 1)
    await get('/api/integration/info?key=wrong', { 'x-forwarded-for': '192.0.2.1' })
  assert.equal((await get('/api/integration/info?key=wrong', { 'x-forwarded-for': '192.0.2.1' })).status, 429)
})

test('/health answers everybody in the shape that GPT-Load has', async () => {
  await using api = await openApi(sqliteConnection())
  const { status, body } = await api.call('/health', { headers: open })
  assert.deepEqual([status, body.status], [200, 'healthy'])
  assert.match(body.timestamp, /Z$/)
  assert.match(body.uptime, /^\d+s$/)
})
