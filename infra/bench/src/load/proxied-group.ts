import { until } from '@gpt-load/testkit/until'
import { apiPath, jsonHeaders, type Endpoint } from '../contenders/gateway.ts'
import { callAdmin, type AdminApi } from './admin-api.ts'
import { requestBody } from './payloads.ts'

const keyCount = 100
const servesTimeoutMs = 30_000

/** A small group of its own over an upstream (its URL), and how it is called through the gateway at `port`. */
export async function addProxiedGroup(
  api: AdminApi,
  { name, upstream, port }: { name: string; upstream: string; port: number },
): Promise<Endpoint> {
  const upstreams = [{ url: upstream, weight: 1 }]
  const { id } = await callAdmin(api, 'POST', '/groups', { name, channel: 'openai', upstreams })
  const keys = Array.from({ length: keyCount }, (_, index) => `sk-${name}-${String(index).padStart(8, '0')}`)
  await callAdmin(api, 'POST', `/groups/${String(id)}/keys`, { keys })
  const { key } = await callAdmin(api, 'POST', '/access-keys', { name, all_groups: true })
  const headers = [...jsonHeaders, ['Authorization', `Bearer ${String(key)}`]] as const
  const endpoint = { host: '127.0.0.1', port, path: `/proxy/${name}${apiPath}`, headers }
  await until(async () => (await statusOf(endpoint)) === 200, { what: `${name} to serve`, timeoutMs: servesTimeoutMs })
  return endpoint
}

export async function statusOf({ host, port, path, headers }: Endpoint): Promise<number> {
  const init = { method: 'POST', headers: headers.map(([name, value]): [string, string] => [name, value]) }
  const response = await fetch(`http://${host}:${port}${path}`, { ...init, body: requestBody })
  await response.arrayBuffer()
  return response.status
}
