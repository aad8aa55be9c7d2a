// Splits `scheme://user:password@host:port,host:port/path?query`. The URL class refuses several hosts and rewrites
// what it accepts; this reads exactly what was written. Problem texts never repeat the DSN, since it holds a password.

import { accepted, refused, type ParseResult } from './parse-result.ts'

export type HostPort = { readonly host: string; readonly port: number }

export type DsnParts = {
  readonly scheme: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly hosts: readonly HostPort[]
  /** Decoded segments of the path. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

const MAX_DSN_CHARACTERS = 8_192
const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)(\/[^?#]*)?(?:\?([^#]*))?$/i

const ENCODE_ADVICE =
  'percent-encode special characters of user and password: @ is %40, : is %3A, / is %2F, # is %23, % is %25'

export function parseDsnParts(text: string, defaultPort: number): ParseResult<DsnParts> {
  const shape = text.length > MAX_DSN_CHARACTERS ? null : SHAPE.exec(text.trim())
  if (!shape) return refused('is not a URL of the form scheme://user:password@host:port/…', ENCODE_ADVICE)
  const [, scheme = '', userInfo = '', authority = '', path = '', query = ''] = shape
  const hosts = parseHosts(authority, defaultPort)
  if (!hosts.ok) return hosts
  const colon = userInfo.indexOf(':')
  try {
    return accepted({
      scheme: scheme.toLowerCase(),
      username: decoded(colon < 0 ? userInfo : userInfo.slice(0, colon)),
      password: decoded(colon < 0 ? '' : userInfo.slice(colon + 1)),
      hosts: hosts.value,
      path: path.split('/').filter(Boolean).map(decodeURIComponent),
      query: new URLSearchParams(query),
    })
  } catch {
    return refused('has a % that is no percent-encoding', ENCODE_ADVICE)
  }
}

function decoded(text: string): string | undefined {
  return text === '' ? undefined : decodeURIComponent(text)
}

export function parseHosts(authority: string, defaultPort: number): ParseResult<readonly HostPort[]> {
  const hosts: HostPort[] = []
  for (const item of authority.split(',')) {
    const host = parseHostPort(item.trim(), defaultPort)
    if (!host.ok) return host
    hosts.push(host.value)
  }
  return accepted(hosts)
}

/** host, host:port, [ipv6]:port. Also refuses what belongs to an unencoded password, such as a second @. */
export function parseHostPort(text: string, defaultPort: number): ParseResult<HostPort> {
  const match = /^(\[[0-9a-f:.%]+\]|[^\s:/?#@[\]]+)(?::(\d{1,5}))?$/i.exec(text)
  const port = match?.[2] === undefined ? defaultPort : Number(match[2])
  if (!match?.[1] || port < 1 || port > 65_535) return refused('has a host that is not host:port', ENCODE_ADVICE)
  return accepted({ host: match[1].replace(/^\[|\]$/g, ''), port })
}

/**
 * The first parameter that is neither understood nor known to be without meaning here, as a problem text may name it: a typo
 * must not weaken TLS. An unencoded ? in a password begins a query too, so what may be part of one is not repeated.
 */
export function unknownParameter(query: URLSearchParams, ...known: readonly ReadonlySet<string>[]): string | undefined {
  const name = [...query.keys()].find((each) => !known.some((names) => names.has(each)))
  if (name === undefined) return undefined
  const isSafe = /^[\w-]{1,64}$/.test(name) && ![...query].flat().some((text) => text.includes('@'))
  return isSafe ? name : 'one that may be a part of the password (a ? in it is %3F)'
}
