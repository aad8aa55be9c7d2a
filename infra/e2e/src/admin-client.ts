/** The admin API as the suites need it; every answer that is not 2xx is an error with its body. */
export type Json = Record<string, unknown>

export interface AdminClient {
  readonly baseUrl: string
  get<T = Json>(path: string): Promise<T>
  post<T = Json>(path: string, body?: unknown): Promise<T>
  patch<T = Json>(path: string, body: unknown): Promise<T>
  put<T = Json>(path: string, body: unknown): Promise<T>
  delete(path: string): Promise<void>
}

export function createAdminClient(baseUrl: string, adminKey: string): AdminClient {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${baseUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminKey}`,
        // Suites are the only writers: whatever is there is what they mean.
        ...(method === 'GET' || method === 'POST' ? {} : { 'if-match': '*' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  return {
    baseUrl,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body ?? {}),
    patch: (path, body) => call('PATCH', path, body),
    put: (path, body) => call('PUT', path, body),
    delete: async (path) => void (await call('DELETE', path)),
  }
}

export type Group = { id: number; name: string }
export type AccessKey = { id: number; key: string }
export type Key = {
  id: number
  hint: string
  state: string
  until: string | null
  usable: boolean
  failures: number
  cause: {
    class: string
    status?: number
    code?: string
    deadline_source?: string
    request_id?: string
    edge?: string
  } | null
}

/** A group over one upstream with its keys, and an access key that opens it. */
export async function createGroup(
  admin: AdminClient,
  options: { name: string; channel: string; url: string; keys: readonly string[]; fields?: Json },
): Promise<{ group: Group; accessKey: AccessKey }> {
  const { name, channel, url, keys, fields } = options
  const group = await admin.post<Group>('/groups', { name, channel, upstreams: [{ url, weight: 1 }], ...fields })
  await admin.post(`/groups/${group.id}/keys`, { keys })
  const accessKey = await admin.post<AccessKey>('/access-keys', { name: `${name}-caller`, group_ids: [group.id] })
  return { group, accessKey }
}

export async function listKeys(admin: AdminClient, groupId: number): Promise<Key[]> {
  return (await admin.get<{ items: Key[] }>(`/groups/${groupId}/keys?limit=1000`)).items
}
