import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { createGroup } from '../src/admin-client.ts'
import { startClusterDeployment } from '../src/deployment.ts'

const limit = 60
const body = JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }] })

test('a limit of an access key holds over both edges, and most of it is there where the caller is', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using deployment = await startClusterDeployment({ edges: 2, configServices: 1 })
  const { admin, proxyUrls } = deployment
  const keys = ['sk-caller-limits-0123456789abcdef']
  const { accessKey } = await createGroup(admin, { name: 'limited', channel: 'openai', url: provider.url, keys })
  const send = async (url: string) => {
    const response = await fetch(`${url}/proxy/limited/v1/chat/completions`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${accessKey.key}`, 'content-type': 'application/json' },
    })
    const text = await response.text()
    if (response.status === 429) {
      assert.match(text, /max_requests_per_minute of the access key: 60/)
      assert.ok(Number(response.headers.get('retry-after')) >= 1)
    } else assert.equal(response.status, 200, text)
    return response.status === 200
  }
  const [first, second] = proxyUrls as [string, string]
  await admin.patch(`/access-keys/${accessKey.id}`, { max_requests_per_minute: limit })

  // It goes on asking until it has nine tenths: half of the limit is there at once, the rest when the edges have told each other.
  let served = 0
  const started = performance.now()
  await until(
    async () => {
      for (let turn = 0; turn < 10; turn += 1) if (await send(first)) served += 1
      return served >= 0.9 * limit
    },
    { what: 'nine tenths of the limit on one edge', timeoutMs: 20_000, intervalMs: 100 },
  )
  process.stdout.write(
    `measured: nine tenths of a limit on one edge after ${Math.round(performance.now() - started)} ms\n`,
  )
  for (let turn = 0; turn < 20; turn += 1) {
    if (await send(first)) served += 1
    await pause(50)
  }
  assert.ok(served <= limit, `${served} on one edge`)

  // Nobody has asked the other edge: its equal part is still there.
  let elsewhere = 0
  for (let turn = 0; turn < limit; turn += 1) if (await send(second)) elsewhere += 1
  assert.ok(elsewhere >= 1 && elsewhere <= limit, `${elsewhere} on the other edge`)

  await admin.patch(`/access-keys/${accessKey.id}`, { max_requests_per_minute: 0 })
  for (const url of proxyUrls) await until(() => send(url), { what: 'the limit to be gone', timeoutMs: 5_000 })
  for (let turn = 0; turn < 2 * limit; turn += 1) assert.equal(await send(proxyUrls[turn % 2]!), true)
})
