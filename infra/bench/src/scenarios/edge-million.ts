import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { revisionOf } from '@gpt-load/cluster/edge-position'
import { startCluster, type Cluster, type EdgeProcess } from '@gpt-load/cluster/start-cluster'
import { findBinary } from '@gpt-load/testkit/servers/find-binary'
import { runCommand } from '@gpt-load/testkit/servers/run-command'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { until } from '@gpt-load/testkit/until'
import { figure, type Figure, type ScenarioReport } from '../figure.ts'
import { forgetPeak, memoryOf } from '../lab/proc-stat.ts'
import { callAdmin, importKeys, type AdminApi } from '../load/admin-api.ts'
import { providerLikeKeyLines, providerLikeLength } from '../load/key-lines.ts'
import { addProxiedGroup } from '../load/proxied-group.ts'
import { startSteadyLoad } from '../load/steady-load.ts'
import type { BenchOptions } from '../options.ts'
import { startFixedUpstream } from '../upstreams/fixed-upstream.ts'
import { mariadbForMillions } from './control-keys.ts'

/**
 * An edge that knows a million keys: its memory as it serves, after they came one by one, after a start from a base, and after
 * everything was taken anew by a running one; and how long a start takes.
 */
const perSecond = 200
const bytesPerKey = 96
const fixedBytes = 128e6
const secretFactor = 1.1
const coldReadyS = 6
const catchUpMs = 120_000
const lookEveryMs = 5

export async function measureEdgeMillion(options: BenchOptions): Promise<ScenarioReport> {
  const { maxKeys } = options
  const folder = await mkdtemp(join(tmpdir(), 'gpt-load-bench-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const authority = stack.use(await createCertificateAuthority())
  const upstream = stack.use(await startFixedUpstream(authority))
  const cluster = stack.use(
    await startCluster({ edges: 0, configServices: 1, logIngests: 1, databaseArgs: mariadbForMillions }),
  )
  const api = { url: cluster.configServices[0]!.url, key: cluster.secrets.authKey }
  const first = await cluster.addEdge({ SNAPSHOT_STORE: `file:${folder}` })
  const endpoint = await addProxiedGroup(api, {
    name: 'proxied',
    upstream: `http://127.0.0.1:${upstream.port}`,
    port: first.port,
  })
  const load = stack.use(startSteadyLoad(endpoint, perSecond))
  const bounds = { atMost: boundMb(maxKeys) }
  const figures = [figure('RSS without keys', 'MB', [residentMb(first)])]

  const upstreams = [{ url: 'http://127.0.0.1:9', weight: 1 }]
  const { id } = await callAdmin(api, 'POST', '/groups', { name: 'bench', channel: 'openai', upstreams })
  await importKeys(api, id as number, () => providerLikeKeyLines(maxKeys))
  await untilCaughtUp(first, api)
  figures.push(...memoryFigures('the import', first, bounds))
  figures.push(await restedFigure('the import', first, bounds, options))

  await untilStored(first, api)
  const fromStore = await startCold(cluster, `file:${folder}`, maxKeys)
  figures.push(figure('cold edge to ready, snapshot at hand', 's', [fromStore.readyS], { atMost: coldReadyS }))
  figures.push(...memoryFigures('a start from its store', fromStore.edge, bounds))
  figures.push(await restedFigure('a start from its store', fromStore.edge, bounds, options))
  await fromStore.edge.stop()

  const fromService = await startCold(cluster, `file:${join(folder, 'empty')}`, maxKeys)
  figures.push(figure('cold edge to ready, base at config-service', 's', [fromService.readyS], { atMost: coldReadyS }))
  figures.push(...memoryFigures('a start from config-service', fromService.edge, bounds))
  await fromService.edge.stop()

  forgetPeak(first.process.pid)
  await reloadByNewEpoch(cluster, first)
  figures.push(...memoryFigures('a reload', first, bounds))
  await load.take()
  return {
    title: `An edge with ${maxKeys.toLocaleString('en')} keys`,
    conditions:
      `Keys of 51 to 164 characters in one group; one worker, ${perSecond} requests a second meanwhile. Bound of the memory: secrets x ` +
      `${secretFactor} + ${bytesPerKey} bytes per key + ${fixedBytes / 1e6} MB. No core is set apart. A reload: the database is set ` +
      'back, so that a new epoch begins and the edge takes everything anew.',
    figures,
  }
}

function boundMb(keys: number): number {
  let secretBytes = 0
  for (let index = 0; index < keys; index += 1) secretBytes += providerLikeLength(index)
  return Math.round((secretBytes * secretFactor + bytesPerKey * keys + fixedBytes) / 1e6)
}

const residentMb = ({ process }: EdgeProcess): number => memoryOf(process.pid).rssBytes / 1e6

function memoryFigures(what: string, { process }: EdgeProcess, bounds: { atMost: number }): Figure[] {
  const { rssBytes, peakBytes } = memoryOf(process.pid)
  return [
    figure(`RSS right after ${what}`, 'MB', [rssBytes / 1e6], bounds),
    figure(`highest RSS until ${what} was done`, 'MB', [peakBytes / 1e6]),
  ]
}

async function restedFigure(
  what: string,
  edge: EdgeProcess,
  bounds: { atMost: number },
  { restSeconds }: BenchOptions,
): Promise<Figure> {
  await delay(restSeconds * 1_000)
  return figure(`RSS ${restSeconds} s after ${what}`, 'MB', [residentMb(edge)], bounds)
}

/** From the start of the process until it is ready and has all keys: a base may be older than the last of them. */
async function startCold(
  cluster: Cluster,
  store: string,
  keys: number,
): Promise<{ edge: EdgeProcess; readyS: number }> {
  const startedMs = performance.now()
  const edge = await cluster.addEdge({ SNAPSHOT_STORE: store })
  await until(async () => (await gaugeOf(edge, 'gptload_edge_key_table_keys')) >= keys, {
    what: 'the edge to have all keys',
    timeoutMs: catchUpMs,
    intervalMs: lookEveryMs,
  })
  return { edge, readyS: (performance.now() - startedMs) / 1_000 }
}

async function gaugeOf({ adminUrl }: EdgeProcess, name: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

async function untilCaughtUp(edge: EdgeProcess, api: AdminApi): Promise<void> {
  const { revision } = await callAdmin(api, 'GET', '/status')
  await until(async () => (await revisionOf(edge)) >= (revision as number), {
    what: 'the edge to have all keys',
    timeoutMs: catchUpMs,
    intervalMs: lookEveryMs,
  })
}

async function untilStored(edge: EdgeProcess, api: AdminApi): Promise<void> {
  const { revision } = await callAdmin(api, 'GET', '/status')
  await until(async () => (await gaugeOf(edge, 'gptload_edge_stored_revision')) >= (revision as number), {
    what: 'the snapshot to be stored',
    timeoutMs: catchUpMs,
    intervalMs: 200,
  })
}

/** What a restored backup does: revisions begin again before the edge's, so everything is taken anew under a new epoch. */
async function reloadByNewEpoch({ databaseServer, databaseName }: Cluster, edge: EdgeProcess): Promise<void> {
  const before = await gaugeOf(edge, 'gptload_edge_bases_total')
  const { host, port } = databaseServer
  const client = ['--no-defaults', '-h', host, '-P', `${port}`, '-u', 'root', databaseName]
  const setBack = 'UPDATE revision_counter SET value = value - 1'
  await runCommand(findBinary('mariadb', 'mariadb-client-core'), [...client, '-e', setBack])
  await until(async () => (await gaugeOf(edge, 'gptload_edge_bases_total')) > before, {
    what: 'the edge to take a base anew',
    timeoutMs: catchUpMs,
    intervalMs: lookEveryMs,
  })
}
