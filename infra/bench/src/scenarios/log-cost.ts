import { edge } from '../contenders/edge.ts'
import { figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import type { BenchOptions } from '../options.ts'
import { measureRequests, warmUpRequests } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

const logged = 'logged'
const unlogged = 'unlogged'
/** Of two edges alike one may be a twentieth dearer than the other for as long as it lives, by where its code and memory fell. */
const edgesOfEach = 3

/** What the request log costs an edge: against one whose requests leave no record, everything else the same. */
export async function measureLogCost(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys })
  const pairs = Array.from({ length: edgesOfEach }, (_, index) => [
    edge(lab, { name: `${logged} ${index + 1}` }),
    edge(lab, { name: `${unlogged} ${index + 1}`, isUnlogged: true }),
  ])
  const { values, notes } = await measureInRounds(pairs.flat(), options, {
    warmUp: warmUpRequests(options),
    measure: (gateway) => measureRequests(gateway, options),
  })
  /** By round: the mean of its edges. */
  const cpuOf = (side: string): number[] =>
    Array.from({ length: options.rounds }, (_, round) => {
      const edges = [...values].filter(([name]) => name.startsWith(side)).map(([, rounds]) => rounds[round]!)
      return edges.reduce((sum, { cpuUsPerRequest }) => sum + cpuUsPerRequest, 0) / edges.length
    })
  return {
    title: 'Cost of the request log',
    conditions: `CPU of all threads per request of 300 bytes at ${options.connections} connections, records to Kafka or none made; ${edgesOfEach} edges of each in turns.`,
    figures: [
      ...[logged, unlogged].map((name) => figure(`${name}: CPU per request`, 'µs', cpuOf(name))),
      ratioFigure(`${logged} / ${unlogged}`, cpuOf(logged), cpuOf(unlogged), { atMost: 1.1 }),
    ],
    notes,
  }
}
