import { edgesOfEveryWire } from '../contenders/edge.ts'
import { figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import type { BenchOptions } from '../options.ts'
import { measureRequests, warmUpRequests } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** Our own codec against node:http with undici, everything else the same. */
export async function measureWires(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys })
  const edges = edgesOfEveryWire(lab)
  const { values, notes } = await measureInRounds(edges, options, {
    warmUp: warmUpRequests(options),
    measure: (gateway) => measureRequests(gateway, options),
  })
  const cpuOf = (name: string): number[] => values.get(name)!.map(({ cpuUsPerRequest }) => cpuUsPerRequest)
  const [own, node] = [
    edges.find(({ name }) => name.includes('http1')),
    edges.find(({ name }) => name.includes('node')),
  ]
  const hasBoth = own !== undefined && node !== undefined
  return {
    title: 'Wire',
    conditions: `CPU per request at ${options.connections} connections.`,
    figures: [
      ...edges.map(({ name }) => figure(`${name}: CPU per request`, 'µs', cpuOf(name))),
      ...(hasBoth
        ? [ratioFigure(`${own.name} / ${node.name}`, cpuOf(own.name), cpuOf(node.name), { atMost: 0.7 })]
        : []),
    ],
    notes: hasBoth ? notes : [...notes, 'this edge has one wire only: there is nothing to compare'],
  }
}
