import type { Channel } from '@gpt-load/channels/channel'
import type { UpstreamTarget } from '../plan/upstream-target.ts'

/**
 * Request target at one upstream: base path, then the caller's path byte for byte, then the caller's query, then what the base
 * URL's query adds. With `joinsV1`: a base that ends in `/v1` swallows the path's own, and where the upstream has no path a
 * known one without version gets it (gpt-load/proxy.md 1).
 */
export function shapeTarget(
  upstream: UpstreamTarget,
  path: string,
  query: string,
  joinsV1: boolean,
  channel: Channel,
): string {
  const joined = joinsV1 ? joinVersion(upstream, path, channel) : path
  const merged = upstream.baseQuery.length === 0 ? query : mergeQuery(query, upstream.baseQuery)
  return merged === '' ? upstream.basePath + joined : `${upstream.basePath}${joined}?${merged}`
}

function joinVersion({ basePath, endsInV1 }: UpstreamTarget, path: string, channel: Channel): string {
  if (endsInV1 && (path === '/v1' || path.startsWith('/v1/'))) return path.slice(3)
  return basePath === '' ? channel.completePath(path) : path
}

/** The caller's value wins; its bytes stay as they are. */
function mergeQuery(query: string, base: UpstreamTarget['baseQuery']): string {
  const names = new Set(query.split('&').map((part) => part.split('=', 1)[0]!))
  const added = base.filter(({ name }) => !names.has(name)).map(({ text }) => text)
  return [query, ...added].filter((part) => part !== '').join('&')
}
