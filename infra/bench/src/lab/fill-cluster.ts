import type { Cluster } from '@gpt-load/cluster/start-cluster'
import { maxKeysPerRequest } from '@gpt-load/contracts/api/key'
import type { Route } from '../contenders/gateway.ts'
import type { LabKeys } from './lab.ts'

/** As in nginx's configuration here: what is measured is no connections being made, in either wire. */
const settings = { max_idle_conns_per_host: 128 }

/** Groups named after their routes, keys and one access key, by the admin API as an administrator would. */
export async function fillCluster(cluster: Cluster, keys: LabKeys, ports: Record<Route, number>): Promise<string> {
  const call = adminCaller(cluster)
  for (const route of Object.keys(keys) as Route[]) {
    const url = route === 'tls' ? `https://localhost:${ports[route]}` : `http://127.0.0.1:${ports[route]}`
    const group = { name: route, channel: 'openai', upstreams: [{ url, weight: 1 }], settings }
    const { id } = (await call('/groups', group)) as { id: number }
    await addKeys((body) => call(`/groups/${id}/keys`, body), route, keys[route] ?? 0)
  }
  const { key } = (await call('/access-keys', { name: 'bench', all_groups: true })) as { key: string }
  return key
}

async function addKeys(add: (body: unknown) => Promise<unknown>, route: Route, count: number): Promise<void> {
  for (let from = 0; from < count; from += maxKeysPerRequest) {
    const length = Math.min(maxKeysPerRequest, count - from)
    const keys = Array.from({ length }, (_, index) => secretOf(route, from + index))
    await add({ keys })
  }
}

/** As long as keys of providers are today. */
function secretOf(route: Route, index: number): string {
  return `sk-bench-${route}-${String(index).padStart(8, '0')}-`.padEnd(164, 'x')
}

const callTimeoutMs = 60_000

function adminCaller(cluster: Cluster): (path: string, body: unknown) => Promise<unknown> {
  const { url } = cluster.configServices[0]!
  return async (path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${cluster.secrets.authKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(callTimeoutMs),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }
}
