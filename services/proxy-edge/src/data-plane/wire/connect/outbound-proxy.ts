/** An outbound proxy as `proxy_url` names it. socks5h means the same as socks5: the proxy resolves the name. */
export type OutboundProxy = {
  readonly protocol: 'http:' | 'https:' | 'socks5:'
  readonly hostname: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly hasCredentials: boolean
}

const defaultPorts = { 'http:': 80, 'https:': 443, 'socks5:': 1_080 } as const

/** Null when the text is no proxy URL. */
export function parseOutboundProxy(text: string): OutboundProxy | null {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') return null
  const protocol = url.protocol === 'socks5h:' || url.protocol === 'socks:' ? 'socks5:' : url.protocol
  if (protocol !== 'http:' && protocol !== 'https:' && protocol !== 'socks5:') return null
  return {
    protocol,
    hostname: url.hostname,
    port: url.port === '' ? defaultPorts[protocol] : Number(url.port),
    username: decode(url.username),
    password: decode(url.password),
    hasCredentials: url.username !== '' || url.password !== '',
  }
}

/** Value of Proxy-Authorization; '' without credentials. */
export function basicCredentials(proxy: OutboundProxy): string {
  if (!proxy.hasCredentials) return ''
  return `Basic ${Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64')}`
}

/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY as they were at start; empty strings when unset. */
export type ProxyEnvironment = { httpProxy: string; httpsProxy: string; noProxy: string }

/**
 * The proxy for one upstream: the group's own wins, then the environment's by scheme, unless NO_PROXY names the host
 * (`*`, a host, a `.suffix`, each optionally with a port). Loopback goes direct, as Go's net/http does.
 */
export function chooseProxyUrl(proxyUrl: string, upstream: URL, environment: ProxyEnvironment): string {
  if (parseOutboundProxy(proxyUrl) !== null) return proxyUrl
  const fallback = upstream.protocol === 'https:' ? environment.httpsProxy : environment.httpProxy
  const isExempt = isLoopback(upstream.hostname) || isInNoProxy(upstream, environment.noProxy)
  return isExempt || parseOutboundProxy(fallback) === null ? '' : fallback
}

function isInNoProxy(upstream: URL, noProxy: string): boolean {
  const port = upstream.port === '' ? (upstream.protocol === 'https:' ? '443' : '80') : upstream.port
  return noProxy
    .split(/[,\s]+/)
    .some((entry) => entry !== '' && matchesNoProxy(entry.toLowerCase(), upstream.hostname, port))
}

function matchesNoProxy(entry: string, hostname: string, port: string): boolean {
  if (entry === '*') return true
  const [, host = '', wantedPort = ''] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
  if (wantedPort !== '' && wantedPort !== port) return false
  const suffix = host.replace(/^\*?\./, '')
  if (suffix !== host) return hostname === suffix || hostname.endsWith(`.${suffix}`)
  return hostname === host || hostname.endsWith(`.${host}`)
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
