import { BlockList, isIP } from 'node:net'

/**
 * Who is calling, where reverse proxies stand before us. The peer is the client unless it is a trusted proxy: then the last
 * untrusted entry of X-Forwarded-For is. Anything else in that header is a claim and is not believed.
 */
export type TrustCheck = (address: string) => boolean

/** Entries that are looked at, from the nearest one. */
const maxHops = 16

/** @param ranges as `TRUSTED_PROXIES` takes them */
export function createTrustCheck(ranges: readonly string[]): TrustCheck {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/')
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(network, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * @param peer without IPv4-in-IPv6 prefix (`bareAddress`)
 * @param forwardedFor value of X-Forwarded-For; '' = none
 */
export function clientBehind(peer: string, forwardedFor: string, isTrusted: TrustCheck): string {
  if (!isTrusted(peer)) return peer
  let last = peer
  for (const hop of forwardedFor.split(',').slice(-maxHops).reverse()) {
    const address = bareAddress(hop.trim())
    if (address === null) return last
    if (!isTrusted(address)) return address
    last = address
  }
  return last
}

/** Without port, brackets and the IPv4-in-IPv6 prefix; null = no address. */
export function bareAddress(text: string): string | null {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? (/^[\d.]+:\d+$/.test(text) ? text.split(':')[0] : text)
  const address = bare?.replace(/^::ffff:(?=\d+\.)/i, '') ?? ''
  return isIP(address) === 0 ? null : address
}
