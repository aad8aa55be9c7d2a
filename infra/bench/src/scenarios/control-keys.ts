import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startCluster } from '@gpt-load/cluster/start-cluster'
import { startProcess } from '@gpt-load/testkit/child-process'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import type { Endpoint } from '../contenders/gateway.ts'
import { figure, percentile, type Figure, type ScenarioReport } from '../figure.ts'
import { callAdmin, deleteAllKeys, importKeys, timedCall, type AdminApi } from '../load/admin-api.ts'
import { keyLines } from '../load/key-lines.ts'
import { addProxiedGroup } from '../load/proxied-group.ts'
import { startSteadyLoad } from '../load/steady-load.ts'
import type { BenchOptions } from '../options.ts'
import { startFixedUpstream } from '../upstreams/fixed-upstream.ts'
import { startStreamUpstream } from '../upstreams/start-stream-upstream.ts'
import {
  beside,
  besideFigures,
  takeLatencies,
  type CallLatencies,
  type SteadyCalls,
  type Surroundings,
} from './beside-task.ts'

/**
 * A million keys in the control plane: imported, listed and deleted by the admin API, with other calls and proxied requests
 * beside the tasks. What those wait at most is what any lock or synchronous piece of work held them up.
 */
const root = resolve(import.meta.dirname, '../../../..')
const pageCalls = 200
/** Of each kind of call: enough to feel every pause, few enough to leave both cores to the task. */
const callsPerSecond = 100
/** Their latencies before a task, in windows of the run. */
const aloneWindows = 4

export async function measureStandaloneControl(options: BenchOptions): Promise<ScenarioReport> {
  const folder = await mkdtemp(join(tmpdir(), 'gpt-load-bench-'))
  try {
    const port = await freePort()
    await using server = await startProcess({
      name: 'standalone',
      command: process.execPath,
      args: [
        '--disable-warning=ExperimentalWarning',
        ...profileFlags(options),
        join(root, 'services/standalone/src/main.ts'),
        '--port',
        String(port),
        '--host',
        '127.0.0.1',
        '--data-dir',
        folder,
        '--workers',
        '1',
      ],
      cwd: root,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], KEYS_FILE: '' },
      ready: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
    })
    const key = (await readFile(join(folder, 'admin-key'), 'utf8')).trim()
    const api = { url: `http://127.0.0.1:${port}`, key }
    const figures = await measureControl({ api, port, importS: 60, pids: { standalone: server.pid } }, options)
    return reportOf('standalone (SQLite, one process)', options, figures)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function profileFlags({ profileFolder }: BenchOptions): string[] {
  return profileFolder === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profileFolder, 'standalone')}`]
}

export async function measureClusterControl(options: BenchOptions): Promise<ScenarioReport> {
  await using cluster = await startCluster({
    edges: 1,
    configServices: 1,
    logIngests: 1,
    databaseArgs: mariadbForMillions,
    configServiceEnv: profileEnv(options),
  })
  const [{ url, process: configService }, { process: edge, port }] = [cluster.configServices[0]!, cluster.edges[0]!]
  const pids = { 'config-service': configService.pid, MariaDB: cluster.databaseServer.pid, edge: edge.pid }
  const api = { url, key: cluster.secrets.authKey }
  const figures = await measureControl({ api, port, importS: 90, pids }, options)
  return reportOf(`the cluster (MariaDB with ${mariadbForMillions.join(' ')}, one edge)`, options, figures)
}

/** What is read and written of a million keys fits, as in any database that is meant for them. */
export const mariadbForMillions = ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=96M']

function profileEnv({ profileFolder }: BenchOptions): Record<string, string> {
  return profileFolder === ''
    ? {}
    : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(profileFolder, 'config-service')}` }
}

function reportOf(where: string, { maxKeys }: BenchOptions, figures: readonly Figure[]): ScenarioReport {
  return {
    title: `${maxKeys.toLocaleString('en')} keys in the control plane of ${where}`,
    conditions:
      'Keys of 60 characters as JSON lines over HTTP; from the first byte sent to the end of the task. Beside it ' +
      `${callsPerSecond} requests a second each: through the proxy to an upstream that answers after 20 ms, to one that answers at once, ` +
      'and straight to that one, which shows what the machine alone does; calls of the admin API; access keys that are revoked. No core is set apart.',
    figures,
  }
}

type ControlPlane = {
  api: AdminApi
  /** Of the proxy. */
  port: number
  importS: number
  pids: Surroundings['pids']
}

async function measureControl({ api, port, importS, pids }: ControlPlane, options: BenchOptions): Promise<Figure[]> {
  const { maxKeys } = options
  await using stack = new AsyncDisposableStack()
  const calls = await startCalls(stack, api, port)
  const body = { name: 'bench', channel: 'openai', upstreams: [{ url: 'http://127.0.0.1:9', weight: 1 }] }
  const id = (await callAdmin(api, 'POST', '/groups', body))['id'] as number
  const groupId = (await callAdmin(api, 'POST', '/groups', { ...body, name: 'other' }))['id'] as number
  const around = { api, pids, groupId, calls }
  await settle(options)
  const beforeImport = await latenciesAlone(calls, options)
  const imported = await beside(around, () => importKeys(api, id, () => keyLines(maxKeys)))
  const pages = await measurePages(api, id, maxKeys)
  await settle(options)
  const beforeDelete = await latenciesAlone(calls, options)
  const deleted = await beside(around, () => deleteAllKeys(api, id))
  return [
    figure('import', 's', [imported.seconds], { atMost: importS }),
    ...besideFigures('import', imported, beforeImport),
    ...pages,
    figure('delete', 's', [deleted.seconds], { atMost: 60 }),
    ...besideFigures('delete', deleted, beforeDelete),
  ]
}

/** The calls beside the tasks: through the proxy to two upstreams, and straight to the faster one. */
async function startCalls(stack: AsyncDisposableStack, api: AdminApi, port: number): Promise<SteadyCalls> {
  const authority = stack.use(await createCertificateAuthority())
  const fixed = `http://127.0.0.1:${stack.use(await startFixedUpstream(authority)).port}`
  const slow = `http://127.0.0.1:${stack.use(await startStreamUpstream()).port}/slow`
  const endpoint = await addProxiedGroup(api, { name: 'proxied', upstream: fixed, port })
  const slowEndpoint = await addProxiedGroup(api, { name: 'proxied-slow', upstream: slow, port })
  const straight = { ...endpoint, port: Number(new URL(fixed).port) }
  const start = (called: Endpoint) => stack.use(startSteadyLoad(called, callsPerSecond))
  return { endpoint, slow: start(slowEndpoint), proxied: start(endpoint), straight: start(straight) }
}

const settle = ({ warmUpSeconds }: BenchOptions) => delay(warmUpSeconds * 1_000)

/** The calls with nothing beside them. */
async function latenciesAlone(calls: SteadyCalls, { seconds }: BenchOptions): Promise<CallLatencies> {
  await takeLatencies(calls)
  await delay(aloneWindows * seconds * 1_000)
  return takeLatencies(calls)
}

async function measurePages(api: AdminApi, groupId: number, keys: number): Promise<Figure[]> {
  const path = `/groups/${groupId}/keys?limit=100`
  const first = await callAdmin(api, 'GET', path)
  const queries = {
    'all keys': '',
    'next page': `&cursor=${String(first['next_cursor'])}`,
    'by state': '&state=active',
    'by note': '&note=batch-70',
    'by suffix': '&suffix=0042',
    'by cause, none': '&cause=rate_limit',
    'by search, none': '&search=nowhere',
    'by last use': '&used_since=2020-01-01T00:00:00Z',
  }
  const figures: Figure[] = []
  for (const [name, query] of Object.entries(queries)) {
    const times: number[] = []
    for (let call = 0; call < pageCalls; call += 1) times.push(await timedCall(api, 'GET', path + query))
    figures.push(
      figure(`keys page at ${keys.toLocaleString('en')}, ${name}: p95`, 'ms', [percentile(times, 95)], { atMost: 50 }),
    )
  }
  return figures
}
