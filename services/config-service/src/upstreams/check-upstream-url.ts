import { BlockList, isIP } from 'node:net'

/**
 * The rule that keeps an upstream from being a way into the host's own cloud account: link-local and metadata addresses
 * are refused. Loopback and private addresses stay allowed: users nest groups and run local models. Names are judged when
 * a connection is made (`isForbiddenAddress`), since what they resolve to changes.
 */
const forbidden = new BlockList()
forbidden.addSubnet('169.254.0.0', 16, 'ipv4')
forbidden.addSubnet('fe80::', 10, 'ipv6')
// NAT64 of the IPv4 range (RFC 6052).
forbidden.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6')
// Metadata services outside of it: AWS over IPv6, Alibaba, Oracle.
forbidden.addAddress('fd00:ec2::254', 'ipv6')
forbidden.addAddress('100.100.100.200', 'ipv4')
forbidden.addAddress('192.0.0.192', 'ipv4')

const forbiddenNames = new Set(['metadata.google.internal', 'metadata', 'instance-data', 'instance-data.ec2.internal'])

export function isForbiddenAddress(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** The problem with the host of a URL, null when there is none. The URL parser has normalised its address already. */
export function forbiddenHostProblem(url: string): string | null {
  const host =
    URL.parse(url)
      ?.hostname.replace(/^\[|\]$/g, '')
      .replace(/\.$/, '')
      .toLowerCase() ?? ''
  const isForbidden = isIP(host) === 0 ? forbiddenNames.has(host) : isForbiddenAddress(host)
  return isForbidden ? 'must not be a link-local or metadata address' : null
}
