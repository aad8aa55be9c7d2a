import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { createAdminClient, createGroup, listKeys } from '../src/admin-client.ts'
import type { AccessKey } from '../src/admin-client.ts'
import { startClusterDeployment } from '../src/deployment.ts'
import type { ClusterDeployment } from '../src/deployment.ts'

const targetMs = 1_000

describe('a change through the API is in force on every edge in under a second', () => {
  test('with Redis, then without it, then with it again', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using deployment = await startClusterDeployment({ edges: 2, configServices: 2 })
    await createGroup(deployment.admin, {
      name: 'main',
      channel: 'openai',
      url: provider.url,
      keys: ['sk-first-0123456789abcdef'],
    })
    await measure(deployment, provider.url, 'with Redis')
    await deployment.cluster.redis.kill('SIGKILL')
    await measure(deployment, provider.url, 'without Redis')
    await deployment.cluster.redis.restart()
    await until(async () => (await edges(deployment)).every(({ feed_connected }) => feed_connected), {
      what: 'the feed to flow again',
      timeoutMs: 15_000,
    })
    await measure(deployment, provider.url, 'with Redis again')
  })

  test('2 replicas, 50 concurrent writers: no edge misses a change', async () => {
    await using provider = await startFakeProvider({ dialect: 'openai' })
    await using deployment = await startClusterDeployment({ edges: 2, configServices: 2 })
    const keys = Array.from({ length: 50 }, (_, n) => `sk-writer-${n}-0123456789abcdef`)
    const { group } = await createGroup(deployment.admin, { name: 'main', channel: 'openai', url: provider.url, keys })
    const ids = (await listKeys(deployment.admin, group.id)).map(({ id }) => id)
    const replicas = deployment.cluster.configServices.map(({ url }) => createAdminClient(url, deployment.adminKey))
    const rounds = Number(process.env['GPTLOAD_TEST_LONG'] ?? 0) === 1 ? 40 : 6
    await Promise.all(
      ids.map(async (id, writer) => {
        for (let round = 0; round < rounds; round += 1) {
          const admin = replicas[(writer + round) % 2]!
          await admin.post(`/keys/${id}/${round % 2 === 0 ? 'disable' : 'enable'}`)
        }
      }),
    )
    await until(
      async () => {
        const { revision } = await deployment.admin.get<{ revision: number }>('/status')
        const seen = await edges(deployment)
        return (
          seen.length === 2 &&
          seen.every((edge) => edge.revision === revision) &&
          new Set(seen.map(({ state_hash }) => state_hash)).size === 1
        )
      },
      { what: 'both edges at the same revision and hash', timeoutMs: 10_000 },
    )
    const states = (await listKeys(deployment.admin, group.id)).map(({ state }) => state)
    assert.ok(states.every((state) => state === 'active'))
  })
})

type EdgeRow = { revision: number; state_hash: string; feed_connected: boolean }
async function edges(deployment: ClusterDeployment): Promise<EdgeRow[]> {
  return (await deployment.admin.get<{ items: EdgeRow[] }>('/edges')).items
}

async function call(url: string, group: string, token: string): Promise<number> {
  const response = await fetch(`${url}/proxy/${group}/v1/models`, { headers: { authorization: `Bearer ${token}` } })
  await response.arrayBuffer()
  return response.status
}

/** Milliseconds from before the call of the API until every edge answers so. */
async function inForce(
  deployment: ClusterDeployment,
  change: () => Promise<unknown>,
  probe: (url: string) => Promise<boolean>,
): Promise<number> {
  const startedAt = performance.now()
  const changing = change()
  await Promise.all(
    deployment.proxyUrls.map((url) =>
      until(() => probe(url), { what: `the change at ${url}`, timeoutMs: 10_000, intervalMs: 5 }),
    ),
  )
  const tookMs = performance.now() - startedAt
  await changing
  return tookMs
}

async function measure(deployment: ClusterDeployment, upstream: string, label: string): Promise<void> {
  const { admin } = deployment
  const name = `g-${label.replaceAll(' ', '-').toLowerCase()}`
  const took: Record<string, number> = {}
  const { group, accessKey } = await createGroup(admin, {
    name,
    channel: 'openai',
    url: upstream,
    keys: [`sk-${name}-0123456789`],
  })
  await until(async () => (await call(deployment.proxyUrls[0]!, name, accessKey.key)) === 200, { what: 'the group' })
  const [key] = await listKeys(admin, group.id)
  let made: AccessKey | undefined
  took['access key created'] = await inForce(
    deployment,
    async () => {
      made = await admin.post<AccessKey>('/access-keys', {
        name: `late-${name}`,
        group_ids: [group.id],
        key: `late-${name}-0123456789`,
      })
    },
    async (url) => (await call(url, name, `late-${name}-0123456789`)) === 200,
  )
  took['key disabled'] = await inForce(
    deployment,
    () => admin.post(`/keys/${key!.id}/disable`),
    async (url) => (await call(url, name, accessKey.key)) === 503,
  )
  took['key enabled'] = await inForce(
    deployment,
    () => admin.post(`/keys/${key!.id}/enable`),
    async (url) => (await call(url, name, accessKey.key)) === 200,
  )
  took['access key revoked'] = await inForce(
    deployment,
    () => admin.delete(`/access-keys/${made!.id}`),
    async (url) => (await call(url, name, `late-${name}-0123456789`)) === 401,
  )
  took['group disabled'] = await inForce(
    deployment,
    () => admin.patch(`/groups/${group.id}`, { enabled: false }),
    async (url) => (await call(url, name, accessKey.key)) === 403,
  )
  for (const [change, ms] of Object.entries(took)) {
    process.stdout.write(`measured: ${label}: ${change} in force on every edge after ${ms.toFixed(0)} ms\n`)
    assert.ok(ms < targetMs, `${label}: ${change} took ${ms.toFixed(0)} ms`)
  }
}
