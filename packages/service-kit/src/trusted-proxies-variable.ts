import { isIP } from 'node:net'
import { envParsed, listItems, type EnvironmentVariable } from './environment-variables.ts'
import { accepted, refused } from './parse-result.ts'

/** Apart from what reads it (forwarded-address.ts): workers of an edge do that without the machinery of variables. */
export function trustedProxiesVariable(): EnvironmentVariable<readonly string[]> {
  return envParsed(parseRanges, {
    default: [] as readonly string[],
    defaultText: '',
    description:
      'Reverse proxies whose X-Forwarded-For, -Proto and -Host are believed: addresses or CIDR ranges between commas',
  })
}

function parseRanges(text: string) {
  const ranges = listItems(text)
  const wrong = ranges.find((range) => !isRange(range))
  return wrong === undefined
    ? accepted(ranges)
    : refused(`has an item that is no address or range: ${wrong}`, 'write 10.0.0.0/8,192.0.2.7,2001:db8::/32')
}

function isRange(range: string): boolean {
  const [, network = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? []
  const family = isIP(network)
  if (family === 0) return false
  return prefix === undefined || Number(prefix) <= (family === 6 ? 128 : 32)
}
