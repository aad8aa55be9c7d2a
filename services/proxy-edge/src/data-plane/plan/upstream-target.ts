import type { Settings } from '@gpt-load/contracts/settings'
import type { UpstreamRecord } from '@gpt-load/contracts/snapshot'
import { chooseProxyUrl, type ProxyEnvironment } from '../wire/connect/outbound-proxy.ts'
import type { UpstreamOrigin } from '../wire/upstream-exchange.ts'

/** One upstream of a group, taken apart once: where to connect, and what its base URL adds to path and query. */
export type UpstreamTarget = {
  readonly id: number
  /** Its place among the watched upstreams (upstream-health.ts); -1 = not watched. */
  readonly healthSlot: number
  readonly origin: UpstreamOrigin
  /** Of the URL, as it goes into Host. */
  readonly host: string
  /** Without trailing `/`; '' = none. */
  readonly basePath: string
  readonly endsInV1: boolean
  readonly baseQuery: readonly { readonly name: string; readonly text: string }[]
  /** For logs: scheme, host and path; no credentials, no query. */
  readonly label: string
}

export type UpstreamContext = {
  settings: Settings
  proxyEnvironment: ProxyEnvironment
  allowPrivateAddresses: boolean
}

/** Null when the URL is none that we can speak to: such an upstream gets no traffic. */
export function compileUpstream(
  record: UpstreamRecord,
  healthSlot: number,
  context: UpstreamContext,
): UpstreamTarget | null {
  const url = URL.parse(record.url)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null
  const basePath = url.pathname.replace(/\/+$/, '')
  return {
    id: record.id,
    healthSlot,
    origin: compileOrigin(url, context),
    host: url.host,
    basePath,
    endsInV1: basePath.endsWith('/v1'),
    baseQuery: queryParts(url.search),
    label: `${url.protocol}//${url.host}${basePath}`,
  }
}

function compileOrigin(
  url: URL,
  { settings, proxyEnvironment, allowPrivateAddresses }: UpstreamContext,
): UpstreamOrigin {
  const protocol = url.protocol as 'http:' | 'https:'
  const port = url.port === '' ? (protocol === 'https:' ? 443 : 80) : Number(url.port)
  const proxyUrl = chooseProxyUrl(settings.proxy_url, url, proxyEnvironment)
  const idleTimeoutMs = settings.idle_conn_timeout * 1_000
  const maxIdle = Math.min(settings.max_idle_conns_per_host, settings.max_idle_conns)
  const key = [protocol, url.hostname, port, proxyUrl, idleTimeoutMs, maxIdle, allowPrivateAddresses].join(' ')
  return {
    key,
    protocol,
    hostname: url.hostname,
    port,
    socketPath: '',
    proxyUrl,
    connectTimeoutMs: settings.connect_timeout * 1_000,
    idleTimeoutMs,
    maxIdle,
    allowPrivateAddresses,
  }
}

function queryParts(search: string): { name: string; text: string }[] {
  const parts = search
    .slice(1)
    .split('&')
    .filter((text) => text !== '')
  return parts.map((text) => ({ name: text.split('=', 1)[0]!, text }))
}
