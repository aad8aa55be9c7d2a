import { direct } from '../contenders/direct.ts'
import { edge, edgesOfEveryWire } from '../contenders/edge.ts'
import { nginxGateway } from '../contenders/nginx-gateway.ts'
import { portkey } from '../contenders/portkey.ts'
import { figure, median, ratioFigure, type Figure, type ScenarioReport } from '../figure.ts'
import { startLab, type Lab } from '../lab/lab.ts'
import { readScavengesMs } from '../lab/gc-trace.ts'
import type { BenchOptions } from '../options.ts'
import { measureRequests, warmUpRequests, type LoadFigures } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** What one request costs, and how many there can be. */
export async function measureRequestCosts(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys })
  const edges = edgesOfEveryWire(lab)
  const { values, notes } = await measureInRounds([direct(lab), nginxGateway(lab), ...edges, portkey(lab)], options, {
    warmUp: warmUpRequests(options),
    measure: (gateway) => measureRequests(gateway, options),
  })
  const ours = edges[0]!.name
  const names = [...values.keys()]
  const figures = [...names.flatMap((name) => figuresOf(name, values.get(name)!)), ...againstNginx(ours, values)]
  const withCpu = names.filter((name) => name !== 'direct')
  return {
    title: 'Requests',
    conditions: `POST of 300 bytes, JSON of 500 bytes back, ${options.connections} connections; ours with ${options.keys} keys, access key, request log to Kafka, metrics.`,
    figures: [...figures, await measureScavenges(lab, options)],
    notes,
    charts: [
      { title: 'CPU per request (shorter is better)', figures: withCpu.map((name) => `${name}: CPU per request`) },
      { title: 'Requests per second (longer is better)', figures: names.map((name) => `${name}: requests`) },
    ],
  }
}

function figuresOf(name: string, rounds: readonly LoadFigures[]): Figure[] {
  const of = (pick: (round: LoadFigures) => number): number[] => rounds.map(pick)
  const cpu = figure(
    `${name}: CPU per request`,
    'µs',
    of(({ cpuUsPerRequest }) => cpuUsPerRequest),
  )
  return [
    figure(
      `${name}: requests`,
      '/s',
      of(({ requestsPerSecond }) => requestsPerSecond),
    ),
    ...(name === 'direct' ? [] : [cpu]),
    figure(
      `${name}: p50`,
      'ms',
      of(({ p50Us }) => p50Us / 1_000),
    ),
    figure(
      `${name}: p99`,
      'ms',
      of(({ p99Us }) => p99Us / 1_000),
    ),
  ]
}

function againstNginx(ours: string, values: ReadonlyMap<string, readonly LoadFigures[]>): Figure[] {
  const of = (name: string, pick: (round: LoadFigures) => number): number[] => values.get(name)!.map(pick)
  const ratio = (what: string, pick: (round: LoadFigures) => number, atMost: number): Figure =>
    ratioFigure(`${ours} / nginx: ${what}`, of(ours, pick), of('nginx', pick), { atMost })
  return [
    ratio('CPU per request', ({ cpuUsPerRequest }) => cpuUsPerRequest, 2.2),
    ratio('p99', ({ p99Us }) => p99Us, 3),
  ]
}

/** On an edge of its own, since the trace costs something. */
async function measureScavenges(lab: Lab, options: BenchOptions): Promise<Figure> {
  const gateway = await edge(lab, { name: 'ours, traced', isTracingGc: true }).start()
  try {
    await measureRequests(gateway, options)
  } finally {
    await gateway[Symbol.asyncDispose]()
  }
  const scavengesMs = readScavengesMs(gateway.output?.() ?? '')
  return figure('ours: scavenge, median', 'ms', [scavengesMs.length === 0 ? 0 : median(scavengesMs)], { atMost: 1.5 })
}
