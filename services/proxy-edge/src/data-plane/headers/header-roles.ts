import { lowerCaseName } from '@gpt-load/channels/header-value'

/**
 * Which headers stop at the proxy, in one table. Hop-by-hop ones (RFC 9110 7.6.1) and framing belong to one connection;
 * credentials are the access key, wherever it came from; forwarding headers name the caller and stay here unless the group
 * passes them on. Everything else is end-to-end and is never touched.
 */
export const passes = 0
export const stops = 1
/** Passed only with the setting `forward_client_headers`. */
export const namesClient = 2
export type HeaderRole = typeof passes | typeof stops | typeof namesClient

const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]

const requestRoles = new Map<string, HeaderRole>(
  [...hopByHop, 'proxy-authorization', 'expect', 'host', 'content-length', 'trailer'].map((name) => [name, stops]),
)
for (const name of ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']) requestRoles.set(name, stops)
for (const name of ['x-gptload-hops', 'x-gptload-client-address', 'x-gptload-client-scheme'])
  requestRoles.set(name, stops)
for (const name of ['cookie', 'forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip'])
  requestRoles.set(name, namesClient)

const responseRoles = new Map<string, HeaderRole>(
  [...hopByHop, 'x-gptload-request-id', 'x-gptload-hops'].map((name) => [name, stops]),
)

export function requestHeaderRole(name: string): HeaderRole {
  const lower = lowerCaseName(name)
  const role = requestRoles.get(lower)
  if (role !== undefined) return role
  return lower.startsWith('x-forwarded-') ? namesClient : passes
}

export function responseHeaderRole(name: string): HeaderRole {
  return responseRoles.get(lowerCaseName(name)) ?? passes
}

const connectionHeaders: ReadonlySet<string> = new Set([...hopByHop, 'expect', 'trailer'])

/** Belongs to one connection, whichever way it goes. Lower case. */
export function isConnectionHeader(lowerName: string): boolean {
  return connectionHeaders.has(lowerName)
}

/** Lower-case names that `Connection` lists beside the usual two; null = none, which is nearly always. */
export function connectionNames(raw: readonly string[]): readonly string[] | null {
  let names: string[] | null = null
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!
    if (name.length !== 10 || lowerCaseName(name) !== 'connection') continue
    const value = raw[index + 1]!.toLowerCase()
    if (value === 'keep-alive' || value === 'close') continue
    names ??= []
    for (const token of value.split(',')) names.push(token.trim())
  }
  return names
}
