// What a client creates at a provider and fetches later. A resource belongs to the account of the key that made it:
// to any other key it does not exist, as at the real providers, unless the test says that keys share an account.

export interface ResourceStore {
  put(kind: string, key: string, resource: StoredResource): void
  get(kind: string, key: string, id: string): StoredResource | undefined
  list(kind: string, key: string): StoredResource[]
  remove(kind: string, key: string, id: string): boolean
}

export type StoredResource = { id: string; value: Record<string, unknown>; content?: Buffer; input?: unknown }

const MAX_RESOURCES = 10_000

export function createResourceStore(options: { isAccountShared: boolean }): ResourceStore {
  const resources = new Map<string, { key: string; kind: string; resource: StoredResource }>()
  const find = (kind: string, key: string, id: string) => {
    const entry = resources.get(`${kind}/${id}`)
    return entry && (options.isAccountShared || entry.key === key) ? entry.resource : undefined
  }
  return {
    put(kind, key, resource) {
      resources.set(`${kind}/${resource.id}`, { key, kind, resource })
      const [oldest] = resources.keys()
      if (resources.size > MAX_RESOURCES && oldest !== undefined) resources.delete(oldest)
    },
    get: find,
    list: (kind, key) =>
      [...resources.values()]
        .filter((entry) => entry.kind === kind && (options.isAccountShared || entry.key === key))
        .map(({ resource }) => resource),
    remove: (kind, key, id) => find(kind, key, id) !== undefined && resources.delete(`${kind}/${id}`),
  }
}
