import type { EnvironmentSource } from './environment.ts'
import { envBoolean, envParsed, envString, type EnvironmentVariable } from './environment-variables.ts'
import { accepted } from './parse-result.ts'

type OutboundProxyVariables = Record<'HTTP_PROXY' | 'HTTPS_PROXY' | 'NO_PROXY', EnvironmentVariable<string>>

/** The proxy that upstreams are reached through where a group names none. May hold a password. */
export function outboundProxyVariables(): OutboundProxyVariables {
  return {
    HTTP_PROXY: proxyUrl('Outbound proxy for http upstreams of groups without proxy_url'),
    HTTPS_PROXY: proxyUrl('The same for https upstreams'),
    NO_PROXY: envString({ default: '', description: 'Hosts that are reached without it, between commas' }),
  }
}

function proxyUrl(description: string): EnvironmentVariable<string> {
  return envParsed(accepted<string>, { default: '', isSecret: true, description })
}

/** Most tools read both spellings; the lower-case one wins (curl). */
export function withLowerCaseProxies(source: EnvironmentSource): EnvironmentSource {
  const named = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].map((name) => [
    name,
    source[name.toLowerCase()] || source[name],
  ])
  return { ...source, ...Object.fromEntries(named) }
}

/** Upstreams of an own authority: edges that serve and whoever probes must trust the same ones. */
export function upstreamCaVariable(): EnvironmentVariable<string> {
  return envString({
    default: '',
    description: 'PEM certificates of further authorities that upstreams may be signed by',
  })
}

/** Which addresses those are: upstream-addresses.ts. Edges that serve and whoever probes must agree on it. */
export function allowPrivateUpstreamsVariable(): EnvironmentVariable<boolean> {
  return envBoolean({
    default: true,
    description: 'Upstreams may be on private and loopback addresses; link-local ones never',
  })
}
