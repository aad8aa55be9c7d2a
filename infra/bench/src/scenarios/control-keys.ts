import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startCluster } from '@gpt-load/cluster/start-cluster'
import { startProcess } from '@gpt-load/testkit/child-process'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { figure, percentile, type Figure, type ScenarioReport } from '../figure.ts'
import { cpuSecondsOf } from '../lab/proc-stat.ts'
import { callAdmin, deleteAllKeys, importKeys, timedCall, type AdminApi } from '../load/admin-api.ts'
import type { BenchOptions } from '../options.ts'

/**
 * A million keys in the control plane: imported, listed and deleted by the admin API, with other calls beside the tasks. What
 * those wait at most is what any lock or synchronous piece of work held them up.
 */
const root = resolve(import.meta.dirname, '../../../..')
const pageCalls = 200
/** Between two ordinary calls beside a task. */
const pauseMs = 20
const ordinaryP99Ms = 200

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
    const figures = await measureControl(api, options, { importS: 60, pids: { standalone: server.pid } })
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
    mariadbArgs,
    configServiceEnv: profileEnv(options),
  })
  const [{ url, process: configService }, { process: edge }] = [cluster.configServices[0]!, cluster.edges[0]!]
  const pids = { 'config-service': configService.pid, MariaDB: cluster.mariadb.pid, edge: edge.pid }
  const figures = await measureControl({ url, key: cluster.secrets.authKey }, options, { importS: 90, pids })
  return reportOf(`the cluster (MariaDB with ${mariadbArgs.join(' ')}, one edge)`, options, figures)
}

/** What is read and written of a million keys fits, as in any database that is meant for them. */
const mariadbArgs = ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=96M']

function profileEnv({ profileFolder }: BenchOptions): Record<string, string> {
  return profileFolder === ''
    ? {}
    : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(profileFolder, 'config-service')}` }
}

function reportOf(where: string, { maxKeys }: BenchOptions, figures: readonly Figure[]): ScenarioReport {
  return {
    title: `${maxKeys.toLocaleString('en')} keys in the control plane of ${where}`,
    conditions:
      'Keys of 60 characters as JSON lines over HTTP; from the first byte sent to the end of the task. No core is set apart.',
    figures,
  }
}

async function measureControl(
  api: AdminApi,
  { maxKeys }: BenchOptions,
  { importS, pids }: { importS: number; pids: Pids },
): Promise<Figure[]> {
  const body = { name: 'bench', channel: 'openai', upstreams: [{ url: 'http://127.0.0.1:9', weight: 1 }] }
  const other = { ...body, name: 'other' }
  const id = (await callAdmin(api, 'POST', '/groups', body))['id'] as number
  const otherId = (await callAdmin(api, 'POST', '/groups', other))['id'] as number
  const imported = await beside(api, otherId, pids, () => importKeys(api, id, () => keyLines(maxKeys)))
  const pages = await measurePages(api, id, maxKeys)
  const deleted = await beside(api, otherId, pids, () => deleteAllKeys(api, id))
  return [
    figure('import', 's', [imported.seconds], { atMost: importS }),
    ...besideFigures('import', imported),
    ...pages,
    figure('delete', 's', [deleted.seconds], { atMost: 60 }),
    ...besideFigures('delete', deleted),
  ]
}

/** Processes by name. */
type Pids = Readonly<Record<string, number>>
type Beside = { seconds: number; reads: number[]; writes: number[]; cpuSeconds: Record<string, number> }

/** Reads and writes of another group, one after the other, for as long as the task takes. */
async function beside(api: AdminApi, groupId: number, pids: Pids, work: () => Promise<number>): Promise<Beside> {
  const reads: number[] = []
  const writes: number[] = []
  const before = cpuSecondsByName(pids)
  let isOver = false
  const others = (async () => {
    for (let sort = 1; !isOver; sort += 1) {
      reads.push(await timedCall(api, 'GET', '/groups'))
      writes.push(await timedCall(api, 'PATCH', `/groups/${groupId}`, { sort }))
      await new Promise((next) => setTimeout(next, pauseMs))
    }
  })()
  try {
    const seconds = await work()
    const after = cpuSecondsByName(pids)
    const spent = Object.keys(pids).map((name): [string, number] => [name, after[name]! - before[name]!])
    return { seconds, reads, writes, cpuSeconds: Object.fromEntries(spent) }
  } finally {
    isOver = true
    await others
  }
}

function cpuSecondsByName(pids: Pids): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSecondsOf(pid)]))
}

function besideFigures(task: string, { reads, writes, cpuSeconds }: Beside): Figure[] {
  return [
    ...Object.entries(cpuSeconds).map(([name, seconds]) => figure(`CPU of ${name} in the ${task}`, 's', [seconds])),
    figure(`GET /groups beside the ${task}: p99`, 'ms', [percentile(reads, 99)], { atMost: ordinaryP99Ms }),
    figure(`PATCH /groups/{id} beside the ${task}: p99`, 'ms', [percentile(writes, 99)]),
    figure(`PATCH /groups/{id} beside the ${task}: longest`, 'ms', [Math.max(...writes)]),
  ]
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

function* keyLines(count: number): Iterable<string> {
  for (let index = 0; index < count; index += 1) {
    const number = String(index).padStart(10, '0')
    const note = index % 10 === 0 ? `,"note":"batch-${index % 100}"` : ''
    yield `{"key":"sk-bench-${'0123456789abcdef'.repeat(2)}-${number}"${note}}\n`
  }
}
