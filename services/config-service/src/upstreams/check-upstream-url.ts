import { isHostAllowed } from '@gpt-load/service-kit/upstream-addresses'

/** What a URL says itself; names are judged again when a connection is made, since what they resolve to changes. */
const metadataNames = new Set(['metadata.google.internal', 'metadata', 'instance-data', 'instance-data.ec2.internal'])

/** The problem with the host of a URL, null when there is none. The URL parser has normalised its address already. */
export function forbiddenHostProblem(url: string, allowPrivateAddresses: boolean): string | null {
  const host = URL.parse(url)?.hostname.replace(/\.$/, '').toLowerCase() ?? ''
  if (metadataNames.has(host) || !isHostAllowed(host, true)) return 'must not be a link-local or metadata address'
  if (isHostAllowed(host, allowPrivateAddresses)) return null
  return 'must not be a private or loopback address: ALLOW_PRIVATE_UPSTREAMS is off'
}
