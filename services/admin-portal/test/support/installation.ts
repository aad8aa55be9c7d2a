import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createApiClient, type ApiClient } from '@gpt-load/api-client/api-client'
import type { Settings } from '@gpt-load/contracts/settings'
import type { TaskDetail } from '@gpt-load/contracts/api/task'
import { serviceEnvironment } from '@gpt-load/service-kit/node-runtime'
import { startProcess } from '@gpt-load/testkit/child-process'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'

/** The real standalone process with the built portal in front of a provider of ours. */
const entry = fileURLToPath(new URL('../../../standalone/src/main.ts', import.meta.url))
export const adminKey = 'an-admin-key-for-the-portal'
export const accessToken = 'an-access-key-for-the-portal'

export type Installation = {
  readonly url: string
  readonly api: ApiClient
  readonly provider: FakeProvider
  /** Its working folder: what it stores is in `data` there. */
  readonly folder: string
} & AsyncDisposable

export async function startInstallation(env: Record<string, string> = {}): Promise<Installation> {
  const resources = new AsyncDisposableStack()
  try {
    const folder = await mkdtemp(join(tmpdir(), 'gpt-load-portal-'))
    resources.defer(() => rm(folder, { recursive: true, force: true }))
    const provider = resources.use(await startFakeProvider({ dialect: 'openai' }))
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    resources.use(
      await startProcess({
        name: 'standalone',
        command: process.execPath,
        args: [
          '--disable-warning=ExperimentalWarning',
          entry,
          '--port',
          String(port),
          '--host',
          '127.0.0.1',
          '--workers',
          '1',
        ],
        cwd: folder,
        env: { ...serviceEnvironment(process.env), NODE_ENV: 'production', AUTH_KEY: adminKey, ...env },
        readyTimeoutMs: 60_000,
        ready: async () => (await fetch(`${url}/readyz`)).ok,
      }),
    )
    const api = createApiClient({ baseUrl: url, token: adminKey })
    return { url, api, provider, folder, [Symbol.asyncDispose]: () => resources.disposeAsync() }
  } catch (error) {
    await resources.disposeAsync()
    throw error
  }
}

/** A group of the provider with keys named `sk-NAME-…`, and an access key that opens all. */
export async function addGroup(
  { api, provider }: Installation,
  name: string,
  keys: readonly string[],
  settings: Partial<Settings> = {},
): Promise<number> {
  const { data } = await api('POST /api/v1/groups', {
    body: { name, channel: 'openai', upstreams: [{ url: provider.url }], settings },
  })
  if (keys.length > 0)
    await api('POST /api/v1/groups/{id}/keys', { params: { id: data.id }, body: { keys: [...keys] } })
  return data.id
}

export async function addAccessKey({ api }: Installation): Promise<void> {
  await api('POST /api/v1/access-keys', { body: { name: 'tests', key: accessToken, all_groups: true } })
}

export async function callModel({ url }: Installation, group: string, model = 'gpt-4.1-nano'): Promise<Response> {
  return fetch(`${url}/proxy/${group}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
  })
}

/** Request records are written behind the answers. */
export async function untilLogged({ api }: Installation, count: number): Promise<void> {
  await until(async () => (await api('GET /api/v1/logs', {})).data.items.length >= count, {
    what: `${count} request records`,
    timeoutMs: 15_000,
  })
}

/** As the portal does it; answers the task, which has ended. */
export async function importKeys(
  installation: Installation,
  id: number,
  text: string,
  type = 'text/plain',
): Promise<number> {
  const response = await fetch(`${installation.url}/api/v1/groups/${id}/keys/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': type },
    body: text,
  })
  if (response.status !== 201) throw new Error(`no import: ${response.status} ${await response.text()}`)
  const task = ((await response.json()) as { id: number }).id
  await untilEnded(installation, task)
  return task
}

export async function untilEnded({ api }: Installation, id: number): Promise<TaskDetail> {
  return until(
    async () => {
      const { data } = await api('GET /api/v1/tasks/{id}', { params: { id } })
      return data.finished_at === null ? undefined : data
    },
    { what: `the end of task ${id}`, timeoutMs: 60_000 },
  )
}
