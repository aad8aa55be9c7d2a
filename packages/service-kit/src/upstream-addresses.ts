import { BlockList, isIP } from 'node:net'

/**
 * Which addresses may be upstreams (SSRF). Link-local and metadata addresses never: they are the way into the host's own cloud
 * account. Private and loopback ones by a variable: users nest groups and run local models. Whoever connects asks about the
 * address that a name resolved to, so that a name that changes its answer (DNS rebinding) gains nothing. BlockList sees through
 * IPv4-mapped IPv6; NAT64 and 6to4 forms of the same addresses are listed here.
 */
const refusedAlways = new BlockList()
refusedAlways.addSubnet('169.254.0.0', 16, 'ipv4')
refusedAlways.addSubnet('fe80::', 10, 'ipv6')
refusedAlways.addAddress('fd00:ec2::254', 'ipv6')
refusedAlways.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6')
refusedAlways.addSubnet('2002:a9fe::', 32, 'ipv6')
// Metadata services outside the link-local range: Alibaba Cloud, Azure's wire server, Oracle Cloud.
for (const address of ['100.100.100.200', '168.63.129.16', '192.0.0.192']) refusedAlways.addAddress(address, 'ipv4')

const privateRanges = new BlockList()
const privateIpv4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
]
for (const [network, prefix] of privateIpv4) privateRanges.addSubnet(network, prefix, 'ipv4')
privateRanges.addSubnet('fc00::', 7, 'ipv6')
privateRanges.addAddress('::1', 'ipv6')
privateRanges.addAddress('::', 'ipv6')
// NAT64 and 6to4 carry an IPv4 address that the lists above would have to see: neither leads to a public provider.
privateRanges.addSubnet('64:ff9b::', 96, 'ipv6')
privateRanges.addSubnet('2002::', 16, 'ipv6')

export function isAddressAllowed(address: string, allowPrivateAddresses: boolean): boolean {
  const bare = address.split('%')[0]!
  const version = isIP(bare)
  if (version === 0) return false
  const family = version === 4 ? 'ipv4' : 'ipv6'
  if (refusedAlways.check(bare, family)) return false
  return allowPrivateAddresses || !privateRanges.check(bare, family)
}

/** For hosts that are literal addresses: net.connect asks no lookup for these. Names pass, and are judged once resolved. */
export function isHostAllowed(hostname: string, allowPrivateAddresses: boolean): boolean {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 || isAddressAllowed(bare, allowPrivateAddresses)
}
