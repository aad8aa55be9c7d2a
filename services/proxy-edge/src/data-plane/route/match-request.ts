/**
 * Which part of the system a target belongs to. Path and query are taken apart byte for byte: never decoded, never
 * normalised, double slashes kept, since a provider may give them a meaning.
 */
export type Route = {
  readonly kind: 'proxy' | 'group_info' | 'info' | 'health' | 'live' | 'control' | 'unknown'
  /** From the URL; '' = the access key's default group. */
  readonly groupName: string
  /** Behind the group, begins with `/`. */
  readonly path: string
  /** Without `?`; credentials are still in it. */
  readonly query: string
}

const prefix = '/proxy/'
const infoPath = '/api/integration/info'

/** @param hasControlPlane what is not the proxy's is handed on, integration info of all groups included */
export function matchRequest(target: string, hasControlPlane: boolean): Route {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? '' : target.slice(mark + 1)
  if (path.startsWith(prefix)) return matchGroup(path, query)
  if (isRootPath(path)) return { kind: 'proxy', groupName: '', path, query }
  const own = ownPaths.get(path)
  if (own !== undefined) return { kind: own, groupName: '', path, query }
  if (hasControlPlane) return { kind: 'control', groupName: '', path, query }
  return { kind: path === infoPath ? 'info' : 'unknown', groupName: '', path, query }
}

const ownPaths = new Map<string, Route['kind']>([
  ['/health', 'health'],
  ['/livez', 'live'],
])

function matchGroup(path: string, query: string): Route {
  const end = path.indexOf('/', prefix.length)
  const groupName = end === -1 ? path.slice(prefix.length) : path.slice(prefix.length, end)
  const rest = end === -1 ? '/' : path.slice(end)
  if (groupName === '') return { kind: 'unknown', groupName, path, query }
  return { kind: rest === infoPath ? 'group_info' : 'proxy', groupName, path: rest, query }
}

/** gpt-load/v0.md, Root paths: clients that can only set a host. */
function isRootPath(path: string): boolean {
  if (!path.startsWith('/v1')) return false
  return path === '/v1' || path === '/v1beta' || path.startsWith('/v1/') || path.startsWith('/v1beta/')
}
