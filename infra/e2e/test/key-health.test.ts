import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { createGroup, listKeys } from '../src/admin-client.ts'
import type { Deployment } from '../src/deployment.ts'
import { startClusterDeployment, startStandalone } from '../src/deployment.ts'

const tenKeys = Array.from({ length: 10 }, (_, n) => `sk-drill-key-${n}-0123456789abcdef`)
const body = JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }] })

describe('ten keys: one dead, one rate limited, one out of quota', () => {
  test('in one process, callers see only 200', () => drill(() => startStandalone()))
  test('in the cluster, callers see only 200 and both edges agree', () =>
    drill(() => startClusterDeployment({ edges: 2, configServices: 2 })))
})

async function drill(start: () => Promise<Deployment>): Promise<void> {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using deployment = await start()
  const { group, accessKey } = await createGroup(deployment.admin, {
    name: 'drill',
    channel: 'openai',
    url: provider.url,
    keys: tenKeys,
  })
  const stored = (await listKeys(deployment.admin, group.id)).toSorted((a, b) => a.id - b.id)
  const hints = new Map(stored.map((key, n) => [tenKeys[n]!, key.id]))
  provider.key(tenKeys[3]!).revoke()
  provider.key(tenKeys[5]!).limit({ retryAfterS: 2 })
  provider.key(tenKeys[7]!).outOfQuota()
  const limitedAtMs = Date.now()
  const send = async (n: number) => {
    const url = deployment.proxyUrls[n % deployment.proxyUrls.length]
    const response = await fetch(`${url}/proxy/drill/v1/chat/completions`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${accessKey.key}`, 'content-type': 'application/json' },
    })
    return { status: response.status, text: await response.text() }
  }
  for (let n = 0; n < 60; n += 1) {
    const { status, text } = await send(n)
    assert.equal(status, 200, text)
  }
  const keyOf = async (secret: string) =>
    (await listKeys(deployment.admin, group.id)).find(({ id }) => id === hints.get(secret))!
  await until(async () => (await keyOf(tenKeys[3]!)).state === 'invalid', {
    what: 'the dead key to be invalid',
    timeoutMs: 5_000,
  })
  const dead = await keyOf(tenKeys[3]!)
  assert.deepEqual([dead.cause?.class, dead.cause?.status, dead.cause?.code], ['key_auth', 401, 'invalid_api_key'])
  const spent = await keyOf(tenKeys[7]!)
  assert.deepEqual(
    [spent.state, spent.cause?.class, spent.cause?.code],
    ['exhausted', 'key_quota', 'insufficient_quota'],
  )
  assert.ok(Date.parse(spent.until!) > limitedAtMs + 60_000)
  const limited = await keyOf(tenKeys[5]!)
  assert.deepEqual([limited.state, limited.cause?.class], ['cooling', 'rate_limit'])
  assert.equal(limited.cause?.deadline_source, 'retry_after')
  const untilMs = Date.parse(limited.until!)
  assert.ok(untilMs > limitedAtMs && untilMs < limitedAtMs + 10_000, `until ${limited.until}`)
  const active = (await listKeys(deployment.admin, group.id)).filter(({ state }) => state === 'active')
  assert.equal(active.length, 7)
  if (deployment.shape === 'cluster') await assertEdgesAgree(deployment)
  const before = provider.countersOf(tenKeys[5]!).requests
  await until(() => Date.now() > untilMs + 100, { what: 'the deadline', timeoutMs: 12_000 })
  for (let n = 0; n < 40; n += 1) assert.equal((await send(n)).status, 200)
  assert.ok(provider.countersOf(tenKeys[5]!).requests > before, 'the limited key is used again')
}

async function assertEdgesAgree(deployment: Deployment): Promise<void> {
  type Edges = { items: { state_hash: string; revision: number }[] }
  await until(
    async () => {
      const { items } = await deployment.admin.get<Edges>('/edges')
      return (
        items.length === 2 && new Set(items.map(({ state_hash, revision }) => `${state_hash}@${revision}`)).size === 1
      )
    },
    { what: 'both edges to have the same revision and state hash', timeoutMs: 5_000 },
  )
}
