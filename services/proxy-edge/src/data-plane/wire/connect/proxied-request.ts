import type { UpstreamRequest } from '../upstream-exchange.ts'
import { basicCredentials, parseOutboundProxy } from './outbound-proxy.ts'

/** Plain HTTP through an HTTP proxy needs no tunnel, but absolute form (RFC 9112 3.2.2) and the proxy's credentials. */
export function proxyTarget({ origin, target }: UpstreamRequest): string {
  return httpProxyOf(origin) === null ? target : `http://${origin.hostname}:${origin.port}${target}`
}

export function proxyHeaders({ origin }: UpstreamRequest): readonly string[] {
  const proxy = httpProxyOf(origin)
  const credentials = proxy === null ? '' : basicCredentials(proxy)
  return credentials === '' ? [] : ['Proxy-Authorization', credentials]
}

function httpProxyOf({ proxyUrl, protocol }: UpstreamRequest['origin']) {
  if (proxyUrl === '' || protocol === 'https:') return null
  const proxy = parseOutboundProxy(proxyUrl)
  return proxy === null || proxy.protocol === 'socks5:' ? null : proxy
}
