import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startFakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { createFileSnapshotStore } from '@gpt-load/transport/file-snapshot-store'
import type { SnapshotStore } from '@gpt-load/transport/snapshot-store'
import { createGroup } from '../src/admin-client.ts'
import { startClusterDeployment } from '../src/deployment.ts'
import { readMetric, untilStored } from '../src/edge-metrics.ts'

// An edge that has nothing but its own environment and the snapshot that another one has kept: no config-service, no database,
// no Redis, no Kafka.

const detached = { CONFIG_SERVICE_URLS: '', REDIS_DSN: '', KAFKA_BROKERS: '' }
const keys = Array.from({ length: 3 }, (_, n) => `sk-detached-${n}-0123456789abcdef`)

test('with the whole control plane gone, a fresh edge serves a stored base for good, and goes on judging keys', async () => {
  await using provider = await startFakeProvider({ dialect: 'openai' })
  await using deployment = await startClusterDeployment({ edges: 1, configServices: 1, logIngests: 0 })
  const { cluster } = deployment
  const { accessKey } = await createGroup(deployment.admin, {
    name: 'main',
    channel: 'openai',
    url: provider.url,
    keys,
  })
  await untilStored(deployment)
  await cluster.edges[0]!.stop()
  await cluster.configServices[0]!.kill()
  await Promise.all([cluster.databaseServer, cluster.redis, cluster.kafka].map((server) => server.kill('SIGKILL')))

  // Older than any edge of a cluster would start from.
  await using snapshot = await agedCopy(cluster.edges[0]!.env['SNAPSHOT_STORE'] ?? '')
  const edge = await cluster.addEdge({ ...detached, SNAPSHOT_STORE: `file:${snapshot.dir}` })
  const ready = await (await fetch(`${edge.adminUrl}/readyz`)).text()
  assert.match(ready, /detached/)
  const call = async () => {
    const response = await fetch(`${edge.url}/proxy/main/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${accessKey.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }] }),
    })
    return { status: response.status, text: await response.text() }
  }
  const expectServed = async (times: number) => {
    for (let n = 0; n < times; n += 1) {
      const { status, text } = await call()
      assert.equal(status, 200, text)
    }
  }
  await expectServed(6)

  provider.key(keys[1]!).limit({ retryAfterS: 600 })
  await expectServed(6)
  const asked = provider.countersOf(keys[1]!).requests
  await expectServed(12)
  assert.equal(provider.countersOf(keys[1]!).requests, asked, 'the limited key cools')

  await until(async () => (await readMetric(edge.adminUrl, 'gptload_edge_log_served_total')) === 24, {
    what: 'all requests to be counted',
    timeoutMs: 5_000,
  })
  assert.equal(await readMetric(edge.adminUrl, 'gptload_edge_log_dropped_total'), 24)
  assert.equal(await readMetric(edge.adminUrl, 'gptload_edge_detached'), 1)
  assert.match(edge.output(), /there is no log stream: request records are counted and dropped/)
  assert.doesNotMatch(edge.output(), /"level":"error"|\bERROR\b/)
})

const dayMs = 86_400_000

async function agedCopy(choice: string): Promise<AsyncDisposable & { dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'gpt-load-detached-'))
  await createFileSnapshotStore({ dir }).replace(aged(createFileSnapshotStore({ dir: choice.replace('file:', '') })))
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

async function* aged(store: SnapshotStore) {
  for await (const frame of store.load()) yield { ...frame, savedAtMs: frame.savedAtMs - 30 * dayMs }
}
