import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startCluster } from '@gpt-load/cluster/start-cluster'
import type { Cluster, ClusterOptions } from '@gpt-load/cluster/start-cluster'
import { startProcess } from '@gpt-load/testkit/child-process'
import type { StartedProcess } from '@gpt-load/testkit/child-process'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { createAdminClient } from './admin-client.ts'
import type { AdminClient } from './admin-client.ts'

/** What a suite runs against, whatever its shape: one process, or the cluster. */
export interface Deployment extends AsyncDisposable {
  readonly shape: 'standalone' | 'cluster'
  /** Base URLs of the proxy, one per edge. */
  readonly proxyUrls: readonly string[]
  readonly admin: AdminClient
  readonly adminKey: string
  output(): string
}

export type Standalone = Deployment & {
  readonly process: StartedProcess
  readonly dataDir: string
  readonly url: string
}
export type ClusterDeployment = Deployment & { readonly cluster: Cluster }

const root = resolve(import.meta.dirname, '../../..')
const readyTimeoutMs = 60_000

export type StandaloneOptions = {
  args?: readonly string[]
  env?: Record<string, string>
  dataDir?: string
  hasAuthKey?: boolean
}

export async function startStandalone(options: StandaloneOptions = {}): Promise<Standalone> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'gpt-load-e2e-')))
  const port = await freePort()
  const adminKey = randomBytes(24).toString('base64url')
  const url = `http://127.0.0.1:${port}`
  const process = await startProcess({
    name: 'standalone',
    command: globalThis.process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      join(root, 'services/standalone/src/main.ts'),
      '--port',
      String(port),
      '--host',
      '127.0.0.1',
      '--data-dir',
      dataDir,
      ...(options.args ?? []),
    ],
    cwd: dataDir,
    env: {
      NODE_COMPILE_CACHE: globalThis.process.env['NODE_COMPILE_CACHE'],
      PATH: globalThis.process.env['PATH'],
      HOME: globalThis.process.env['HOME'],
      LOG_FORMAT: 'json',
      WORKERS: '1',
      ...(options.hasAuthKey === false ? {} : { AUTH_KEY: adminKey }),
      ...options.env,
    },
    ready: async () => (await fetch(`${url}/health`)).ok,
    readyTimeoutMs,
  })
  return {
    shape: 'standalone',
    proxyUrls: [url],
    url,
    adminKey,
    process,
    dataDir,
    admin: createAdminClient(url, adminKey),
    output: () => process.output(),
    [Symbol.asyncDispose]: async () => {
      await process.stop()
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export async function startClusterDeployment(options: ClusterOptions = {}): Promise<ClusterDeployment> {
  const cluster = await startCluster(options)
  const adminKey = cluster.secrets.authKey
  return {
    shape: 'cluster',
    cluster,
    adminKey,
    get proxyUrls() {
      return cluster.edges.map(({ url }) => url)
    },
    admin: createAdminClient(cluster.configServices[0]!.url, adminKey),
    output: () => cluster.output(),
    [Symbol.asyncDispose]: () => cluster.stop(),
  }
}
