import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { edgeWires, type EdgeWire } from '@gpt-load/cluster/edge-wires'
import { until } from '@gpt-load/testkit/until'
import { gatewayCpu, onCpus, twoGatewayCpus } from '../lab/cpu-placement.ts'
import type { Lab } from '../lab/lab.ts'
import { requestBody } from '../load/payloads.ts'
import { apiPath, jsonHeaders, pathOf, type Contender, type Endpoint, type Gateway } from './gateway.ts'

/** An edge of the cluster with everything on: access key, key selection, request log to Kafka, metrics. */
export type EdgeVariant = {
  name?: string
  wire?: EdgeWire
  workers?: 1 | 2
  isTracingGc?: boolean
  isUnlogged?: boolean
}

const readyTimeoutMs = 180_000

/** The default wire first: the targets are about it. */
export function edgesOfEveryWire(lab: Lab): Contender[] {
  const { all, byDefault } = edgeWires()
  return [byDefault, ...all.filter((wire) => wire !== byDefault)].map((wire) => edge(lab, { wire }))
}

export function edge(lab: Lab, variant: EdgeVariant = {}): Contender {
  const wire = variant.wire ?? edgeWires().byDefault
  const name = variant.name ?? `ours (${wire})`
  return { name, start: () => start(lab, name, { ...variant, wire }) }
}

async function start(lab: Lab, name: string, variant: EdgeVariant) {
  const { wire = 'node', workers = 1 } = variant
  const env = { WIRE: wire, WORKERS: String(workers), UPSTREAM_CA: lab.caPem, ...nodeOptions(lab, name, variant) }
  const process_ = await lab.cluster.addEdge(env, onCpus(workers === 1 ? gatewayCpu : twoGatewayCpus))
  const gateway: Gateway = {
    name,
    pid: process_.process.pid,
    endpoint: (route, behaviour = '') => ({
      host: '127.0.0.1',
      port: process_.port,
      path: `/proxy/${route}${pathOf(behaviour, apiPath)}`,
      headers: [...jsonHeaders, ['Authorization', `Bearer ${lab.accessKey}`]],
    }),
    output: () => process_.output(),
    [Symbol.asyncDispose]: async () => void (await process_.stop()),
  }
  await until(() => serves(gateway.endpoint('fixed')), {
    what: `${name} to serve`,
    timeoutMs: readyTimeoutMs,
    intervalMs: 200,
  })
  return gateway
}

async function serves({ host, port, path, headers }: Endpoint): Promise<boolean> {
  const init = { method: 'POST', headers: headers.map(([name, value]): [string, string] => [name, value]) }
  const response = await fetch(`http://${host}:${port}${path}`, { ...init, body: requestBody })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status}: ${text.slice(0, 200)}`)
  return true
}

/** Options of V8 are no options of NODE_OPTIONS: a module that is loaded first sets them, in every thread. */
const traceGcModule = `data:text/javascript,import v8 from 'node:v8';v8.setFlagsFromString('--trace-gc')`

function nodeOptions(
  lab: Lab,
  name: string,
  { isTracingGc = false, isUnlogged = false }: EdgeVariant,
): { NODE_OPTIONS?: string } {
  const options: string[] = []
  if (isUnlogged) options.push(`--import="${import.meta.resolve('./preload-unlogged.ts')}"`)
  if (isTracingGc) options.push(`--import="${traceGcModule}"`)
  if (lab.profileFolder !== '') {
    const folder = resolve(lab.profileFolder, `${name.replaceAll(/\W+/g, '-')}-${randomUUID().slice(0, 8)}`)
    mkdirSync(folder, { recursive: true })
    options.push('--cpu-prof', `--cpu-prof-dir=${folder}`)
  }
  return options.length === 0 ? {} : { NODE_OPTIONS: options.join(' ') }
}
