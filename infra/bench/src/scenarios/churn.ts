import { setTimeout as delay } from 'node:timers/promises'
import { edgesOfEveryWire } from '../contenders/edge.ts'
import type { Gateway } from '../contenders/gateway.ts'
import { nginxGateway } from '../contenders/nginx-gateway.ts'
import { figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import { openStreams } from '../load/streams.ts'
import type { BenchOptions } from '../options.ts'
import { measureRequests, warmUpRequests } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** Streams that were opened and dropped leave nothing behind that later requests pay for. */
const streamKeys = 100
const atOnce = 200
const calmMs = 1_000

export async function measureChurn(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys, stream: streamKeys })
  const edges = edgesOfEveryWire(lab)
  const { values, notes } = await measureInRounds([nginxGateway(lab), ...edges], options, {
    warmUp: warmUpRequests(options),
    async measure(gateway) {
      const before = await measureRequests(gateway, options)
      await churn(gateway, options.churnedStreams)
      await delay(calmMs)
      const after = await measureRequests(gateway, options)
      return { before: before.cpuUsPerRequest, after: after.cpuUsPerRequest }
    },
  })
  const ours = edges[0]!.name
  return {
    title: 'Churn',
    conditions: `CPU per request at ${options.connections} connections before and after ${options.churnedStreams} streams were opened and dropped after their first event, ${atOnce} at once. Every round drops as many again.`,
    figures: [...values].flatMap(([name, rounds]) => {
      const before = rounds.map((round) => round.before)
      const after = rounds.map((round) => round.after)
      const target = name === ours ? { between: [0.85, 1.15] as const } : undefined
      return [
        figure(`${name}: before`, 'µs', before),
        figure(`${name}: after`, 'µs', after),
        ratioFigure(`${name}: after / before`, after, before, target),
      ]
    }),
    notes,
  }
}

async function churn(gateway: Gateway, count: number): Promise<void> {
  for (let dropped = 0; dropped < count; dropped += atOnce) {
    const streams = await openStreams(gateway.endpoint('stream', 'paced'), Math.min(atOnce, count - dropped))
    await streams[Symbol.asyncDispose]()
  }
}
