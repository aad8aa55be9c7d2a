import { direct } from '../contenders/direct.ts'
import { edgesOfEveryWire } from '../contenders/edge.ts'
import { nginxGateway } from '../contenders/nginx-gateway.ts'
import { portkey } from '../contenders/portkey.ts'
import { differenceFigure, figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import { runWrk, type WrkResult } from '../load/wrk.ts'
import type { BenchOptions } from '../options.ts'
import { warmUpRequests } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** What a gateway adds to one call when nobody else calls. */
export async function measureLatency(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys })
  const edges = edgesOfEveryWire(lab)
  const { values, notes } = await measureInRounds([direct(lab), nginxGateway(lab), ...edges, portkey(lab)], options, {
    warmUp: warmUpRequests(options),
    measure: (gateway) => runWrk(gateway.endpoint('fixed'), 1, options.seconds),
  })
  const of = (name: string, pick: (round: WrkResult) => number): number[] => values.get(name)!.map(pick)
  const p50 = ({ p50Us }: WrkResult): number => p50Us
  const p99 = ({ p99Us }: WrkResult): number => p99Us
  const gateways = [...values.keys()].filter((name) => name !== 'direct')
  const added = (name: string): number[] => of(name, p50).map((value, round) => value - of('direct', p50)[round]!)
  const ours = edges[0]!.name
  return {
    title: 'Latency at one connection',
    conditions: 'One kept connection, one call at a time; added: the same round’s direct calls taken off.',
    figures: [
      figure('direct: p50', 'µs', of('direct', p50)),
      figure('direct: p99', 'µs', of('direct', p99)),
      ...gateways.flatMap((name) => [
        differenceFigure(`${name}: added at p50`, 'µs', of(name, p50), of('direct', p50)),
        differenceFigure(`${name}: added at p99`, 'µs', of(name, p99), of('direct', p99)),
      ]),
      ratioFigure(`${ours} / nginx: added at p50`, added(ours), added('nginx'), { atMost: 1.4 }),
    ],
    notes,
    charts: [
      { title: 'Latency added at p50 (shorter is better)', figures: gateways.map((name) => `${name}: added at p50`) },
    ],
  }
}
