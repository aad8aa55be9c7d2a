import type { StatefulPath } from './channel.ts'
import { decodeSegment } from './path-version.ts'

/**
 * Paths whose resources live with the key that made them. A family is one or two segments behind the version
 * (`files`, `messages/batches`); the segment behind it is the id. Generating calls are in no family: they would pin a
 * whole group to one key (the id of a stored response is known only from its answer).
 */
export type StatefulFamilies = ReadonlySet<string>

/** What may stand before a family: versions, Google's upload host path, Azure's product. */
const prefixes = new Set(['v1', 'v1beta', 'v1alpha', 'v2', 'openai', 'upload', 'api'])

export function findStatefulPath(method: string, path: string, families: StatefulFamilies): StatefulPath | null {
  const segments = path.split('/').filter((segment) => segment !== '')
  let at = 0
  while (at < segments.length && prefixes.has(segments[at]!)) at++
  const pair = `${segments[at]}/${segments[at + 1]}`
  const family = families.has(pair) ? pair : (segments[at] ?? '')
  if (!families.has(family)) return null
  // A verb of Google's (`files/abc:download`) is not part of the id.
  const id = segments[at + (family === pair ? 2 : 1)]?.replace(/:.*$/, '') ?? ''
  return { family, resourceId: decodeSegment(id), isCreation: method === 'POST' }
}

const maxStateless = 256
const maxStatelessLength = 128

/**
 * The same question, asked for each request: nearly all of them are for the few paths that generate, which are in no family.
 * These are remembered; paths with ids are looked at each time.
 */
export function rememberStateless(
  find: (method: string, path: string) => StatefulPath | null,
): (method: string, path: string) => StatefulPath | null {
  const stateless = new Set<string>()
  return (method, path) => {
    if (method === 'POST' && stateless.has(path)) return null
    const found = find(method, path)
    if (method === 'POST' && found === null && path.length <= maxStatelessLength) {
      if (stateless.size >= maxStateless) stateless.clear()
      // A copy: what is cut out of a request's head keeps all of it, the access key included.
      stateless.add(Buffer.from(path, 'latin1').toString('latin1'))
    }
    return found
  }
}
