import { edgesOfEveryWire } from '../contenders/edge.ts'
import type { Gateway } from '../contenders/gateway.ts'
import { nginxGateway } from '../contenders/nginx-gateway.ts'
import { portkey } from '../contenders/portkey.ts'
import { figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import { assertAllLive, openStreams } from '../load/streams.ts'
import type { BenchOptions } from '../options.ts'
import { measureWindow } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** Bytes as fast as they go: what a gateway moves in a second of its CPU. */
const streamKeys = 100
const streamCount = 8
/** What 1.2 and 2 times nginx's mean for chunks of this size. */
const sizes = [
  { behaviour: 'fast', label: '150 B chunks', atLeast: 1.2 },
  { behaviour: 'fast-large', label: '16 KiB chunks', atLeast: 2 },
] as const

export async function measureFastStreams(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: streamKeys, stream: streamKeys })
  const edges = edgesOfEveryWire(lab)
  const measure = async (gateway: Gateway): Promise<number[]> => {
    const speeds: number[] = []
    for (const { behaviour } of sizes) speeds.push(await measureOnce(gateway, behaviour, options.seconds))
    return speeds
  }
  const { values, notes } = await measureInRounds([nginxGateway(lab), ...edges, portkey(lab)], options, {
    warmUp: measure,
    measure,
  })
  const names = [...values.keys()]
  const speedsOf = (name: string, size: number): number[] => values.get(name)!.map((speeds) => speeds[size]!)
  const ours = edges[0]!.name
  return {
    title: 'Fast streams',
    conditions: `${streamCount} streams at once, bytes of the body per CPU second of the gateway; the upstream writes 64 KiB at a time.`,
    figures: sizes.flatMap(({ label, atLeast }, size) => [
      ...names.map((name) => figure(`${name}: ${label}`, 'MB/CPU s', speedsOf(name, size))),
      ratioFigure(`${ours} / nginx: ${label}`, speedsOf(ours, size), speedsOf('nginx', size), { atLeast }),
    ]),
    notes,
    charts: sizes.map(({ label }) => ({
      title: `MB per CPU second, ${label} (longer is better)`,
      figures: names.map((name) => `${name}: ${label}`),
    })),
  }
}

async function measureOnce(gateway: Gateway, behaviour: string, seconds: number): Promise<number> {
  await using streams = await openStreams(gateway.endpoint('stream', behaviour), streamCount)
  const { cpuSeconds, count } = await measureWindow(gateway, seconds, streams.bodyBytes)
  assertAllLive(streams)
  return count / 1e6 / cpuSeconds
}
