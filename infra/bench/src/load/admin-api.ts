/** The admin API as a scenario calls it: JSON in and out ({} where there is no body), bounded in time, with what a call took. */
export type AdminApi = { url: string; key: string }

const callTimeoutMs = 60_000
const pollMs = 200

export async function callAdmin(
  { url, key }: AdminApi,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'if-match': '*' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(callTimeoutMs),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
}

/** Milliseconds until the answer was read. */
export async function timedCall(api: AdminApi, method: string, path: string, body?: unknown): Promise<number> {
  const startedMs = performance.now()
  await callAdmin(api, method, path, body)
  return performance.now() - startedMs
}

/** An import of any size, from the first byte sent until the task has ended; seconds. */
export async function importKeys(api: AdminApi, groupId: number, lines: () => Iterable<string>): Promise<number> {
  const startedMs = performance.now()
  const response = await fetch(`${api.url}/api/v1/groups/${groupId}/keys/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/x-ndjson' },
    body: ReadableStream.from(bytesOf(lines())),
    duplex: 'half',
  } as RequestInit)
  if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`)
  await untilTaskIsOver(api, ((await response.json()) as { id: number }).id)
  return (performance.now() - startedMs) / 1_000
}

/** Seconds. */
export async function deleteAllKeys(api: AdminApi, groupId: number): Promise<number> {
  const startedMs = performance.now()
  const task = await callAdmin(api, 'POST', `/groups/${groupId}/keys/delete`, { filter: {} })
  await untilTaskIsOver(api, task['id'] as number)
  return (performance.now() - startedMs) / 1_000
}

async function untilTaskIsOver(api: AdminApi, id: number): Promise<void> {
  for (;;) {
    const task = await callAdmin(api, 'GET', `/tasks/${id}`)
    if (task['state'] === 'succeeded') return
    if (task['finished_at'] !== null) throw new Error(`task ${id}: ${JSON.stringify(task)}`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

const encoder = new TextEncoder()

/** Lines in pieces of about 64 KiB. */
function* bytesOf(lines: Iterable<string>): Iterable<Uint8Array> {
  let text = ''
  for (const line of lines) {
    text += line
    if (text.length < 65_536) continue
    yield encoder.encode(text)
    text = ''
  }
  if (text !== '') yield encoder.encode(text)
}
