import { edge } from '../contenders/edge.ts'
import { figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import type { BenchOptions } from '../options.ts'
import { measureRequests, warmUpRequests } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

const logged = 'logged'
const unlogged = 'unlogged'

/** What the request log costs an edge: against one whose requests leave no record, everything else the same. */
export async function measureLogCost(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys })
  const edges = [edge(lab, { name: logged }), edge(lab, { name: unlogged, isUnlogged: true })]
  const { values, notes } = await measureInRounds(edges, options, {
    warmUp: warmUpRequests(options),
    measure: (gateway) => measureRequests(gateway, options),
  })
  const cpuOf = (name: string): number[] => values.get(name)!.map(({ cpuUsPerRequest }) => cpuUsPerRequest)
  return {
    title: 'Cost of the request log',
    conditions: `CPU of all threads per request of 300 bytes at ${options.connections} connections, records to Kafka or none made.`,
    figures: [
      ...[logged, unlogged].map((name) => figure(`${name}: CPU per request`, 'µs', cpuOf(name))),
      ratioFigure(`${logged} / ${unlogged}`, cpuOf(logged), cpuOf(unlogged), { atMost: 1.1 }),
    ],
    notes,
  }
}
