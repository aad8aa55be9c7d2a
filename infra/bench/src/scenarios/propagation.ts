import { createPoster } from '@gpt-load/cluster/key-event-poster'
import { measureInvalidations } from '@gpt-load/cluster/measure-invalidations'
import { startCluster } from '@gpt-load/cluster/start-cluster'
import { until } from '@gpt-load/testkit/until'
import { figure, percentile, type Figure, type ScenarioReport } from '../figure.ts'
import { callAdmin, type AdminApi } from '../load/admin-api.ts'
import type { BenchOptions } from '../options.ts'

/** A key that one edge reports invalid: how long until it is out of use on all of them, with Redis and without it. */
const edges = 4
const configServices = 2
const samplesPerSecond = 40
const targetMs = 1_000
const feedTimeoutMs = 30_000

export async function measurePropagation({ seconds }: BenchOptions): Promise<ScenarioReport> {
  await using cluster = await startCluster({ edges, configServices, logIngests: 0 })
  const api = { url: cluster.configServices[0]!.url, key: cluster.secrets.authKey }
  const samples = seconds * samplesPerSecond
  const keyIds = await addKeys(api, samples * 2)
  const { epoch } = (await callAdmin(api, 'GET', '/status')) as { epoch: string }
  const poster = createPoster(cluster, 'bench', epoch)
  const withRedis = await measureInvalidations(cluster, poster, keyIds.slice(0, samples))
  await cluster.redis.kill('SIGKILL')
  await untilFeedIsLost(api)
  const withoutRedis = await measureInvalidations(cluster, poster, keyIds.slice(samples))
  return {
    title: `A key's invalidation on ${edges} edges`,
    conditions: `${configServices} config-services; ${samples} keys one after the other, from the report of one edge until the last edge has it. No core is set apart.`,
    figures: [...figuresOf('with Redis', withRedis), ...figuresOf('without Redis', withoutRedis)],
  }
}

function figuresOf(name: string, tookMs: readonly number[]): Figure[] {
  return [
    figure(`${name}: p50`, 'ms', [percentile(tookMs, 50)]),
    figure(`${name}: p99`, 'ms', [percentile(tookMs, 99)], { atMost: targetMs }),
  ]
}

async function addKeys(api: AdminApi, count: number): Promise<number[]> {
  const upstreams = [{ url: 'http://127.0.0.1:9', weight: 1 }]
  const group = await callAdmin(api, 'POST', '/groups', { name: 'bench', channel: 'openai', upstreams })
  const keys = Array.from({ length: count }, (_, index) => `sk-bench-${String(index).padStart(10, '0')}`)
  await callAdmin(api, 'POST', `/groups/${String(group['id'])}/keys`, { keys })
  const listed = await callAdmin(api, 'GET', `/groups/${String(group['id'])}/keys?limit=1000`)
  return (listed['items'] as { id: number }[]).map(({ id }) => id)
}

async function untilFeedIsLost(api: AdminApi): Promise<void> {
  await until(
    async () => {
      const { items } = (await callAdmin(api, 'GET', '/edges')) as { items: { feed_connected: boolean }[] }
      return items.every((edge) => !edge.feed_connected)
    },
    { what: 'every edge to miss the feed', timeoutMs: feedTimeoutMs },
  )
}
