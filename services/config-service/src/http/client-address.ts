import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/**
 * Who is calling. Over the internal socket (standalone) the public listener names the client in a header that it sets
 * itself; over TCP the peer is the client unless it is a trusted proxy, then the last untrusted entry of
 * X-Forwarded-For is. Anything else in these headers is a claim and is not believed.
 */
export const internalAddressHeader = 'x-gptload-client-address'
const maxHops = 16

export type ClientAddressOf = (request: IncomingMessage) => string

export function createClientAddressOf(options: { trustedProxies: readonly string[] }): ClientAddressOf {
  const isTrusted = createTrustCheck(options.trustedProxies)
  return (request) => {
    const peer = request.socket.remoteAddress
    if (peer === undefined) return addressOf(headerText(request, internalAddressHeader)) ?? 'internal'
    const address = addressOf(peer) ?? 'unknown'
    return isTrusted(address) ? forwardedAddress(request, address, isTrusted) : address
  }
}

function forwardedAddress(request: IncomingMessage, peer: string, isTrusted: (address: string) => boolean): string {
  const hops = headerText(request, 'x-forwarded-for').split(',').slice(-maxHops).reverse()
  let last = peer
  for (const hop of hops) {
    const address = addressOf(hop.trim())
    if (address === null) return last
    if (!isTrusted(address)) return address
    last = address
  }
  return last
}

function headerText(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}

/** Without port, brackets and the IPv4-in-IPv6 prefix. */
function addressOf(text: string): string | null {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? (/^[\d.]+:\d+$/.test(text) ? text.split(':')[0] : text)
  const address = bare?.replace(/^::ffff:(?=\d+\.)/i, '') ?? ''
  return isIP(address) === 0 ? null : address
}

function createTrustCheck(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/')
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(network, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
