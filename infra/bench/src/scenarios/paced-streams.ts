import { setTimeout as delay } from 'node:timers/promises'
import { direct } from '../contenders/direct.ts'
import { edgesOfEveryWire } from '../contenders/edge.ts'
import type { Gateway } from '../contenders/gateway.ts'
import { nginxGateway } from '../contenders/nginx-gateway.ts'
import { portkey } from '../contenders/portkey.ts'
import { differenceFigure, figure, percentile, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import { eventBytes } from '../load/payloads.ts'
import { assertAllLive, openStreams } from '../load/streams.ts'
import type { BenchOptions } from '../options.ts'
import { measureWindow } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** Streams as providers send them: what an event costs, and how late the first byte comes. */
const streamKeys = 100
const openingGapMs = 5

type PacedFigures = { cpuUsPerEvent: number; firstByteMs: number }

export async function measurePacedStreams(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: streamKeys, stream: streamKeys })
  const edges = edgesOfEveryWire(lab)
  const { values, notes } = await measureInRounds([direct(lab), nginxGateway(lab), ...edges, portkey(lab)], options, {
    warmUp: (gateway) => measureOnce(gateway, options.streams, options.warmUpSeconds),
    measure: (gateway) => measureOnce(gateway, options.streams, options.seconds),
  })
  const cpu = (name: string): number[] => values.get(name)!.map(({ cpuUsPerEvent }) => cpuUsPerEvent)
  const firstByte = (name: string): number[] => values.get(name)!.map(({ firstByteMs }) => firstByteMs)
  const gateways = [...values.keys()].filter((name) => name !== 'direct')
  const ours = edges[0]!.name
  return {
    title: 'Paced streams',
    conditions: `${options.streams} streams at once, each with an event of ${eventBytes} bytes every 20 to 50 ms; opened ${openingGapMs} ms apart, each on a connection of its own.`,
    figures: [
      ...gateways.map((name) => figure(`${name}: CPU per event`, 'µs', cpu(name))),
      figure('direct: first byte, p50', 'ms', firstByte('direct')),
      ...gateways.map((name) =>
        differenceFigure(
          `${name}: added to the first byte, p50`,
          'ms',
          firstByte(name),
          firstByte('direct'),
          name === ours ? { atMost: 1 } : undefined,
        ),
      ),
      ratioFigure(`${ours} / nginx: CPU per event`, cpu(ours), cpu('nginx'), { atMost: 2 }),
    ],
    notes,
    charts: [{ title: 'CPU per event (shorter is better)', figures: gateways.map((name) => `${name}: CPU per event`) }],
  }
}

async function measureOnce(gateway: Gateway, count: number, seconds: number): Promise<PacedFigures> {
  await using streams = await openStreams(gateway.endpoint('stream', 'paced'), count, {
    gapMs: openingGapMs,
    isCounting: true,
  })
  const firstByteMs = percentile(
    streams.all.map((stream) => stream.firstByteMs),
    50,
  )
  if (gateway.pid === null) return { cpuUsPerEvent: Number.NaN, firstByteMs }
  await delay(200)
  const { cpuSeconds, count: events } = await measureWindow(gateway, seconds, streams.events)
  assertAllLive(streams)
  return { cpuUsPerEvent: (cpuSeconds / events) * 1e6, firstByteMs }
}
