import { edge } from '../contenders/edge.ts'
import { figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { twoGatewayCpus } from '../lab/cpu-placement.ts'
import { startLab } from '../lab/lab.ts'
import type { BenchOptions } from '../options.ts'
import { measureRequests, warmUpRequests } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** Whether a second worker does as much per CPU second as the first: 0.9 of it on two cores is 1.8 times one. */
const names = { one: 'one worker', two: 'two workers' }

export async function measureWorkers(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys })
  const { values, notes } = await measureInRounds(
    [edge(lab, { name: names.one }), edge(lab, { name: names.two, workers: 2 })],
    options,
    { warmUp: warmUpRequests(options), measure: (gateway) => measureRequests(gateway, options) },
  )
  const perCpuSecond = (name: string): number[] => values.get(name)!.map(({ cpuUsPerRequest }) => 1e6 / cpuUsPerRequest)
  return {
    title: 'Two workers',
    conditions: `${options.connections} connections; requests per CPU second of the process, one worker on core 0, two on cores ${twoGatewayCpus}. The load generator’s share of a core is no part of it.`,
    figures: [
      figure(`${names.one}: requests`, '/CPU s', perCpuSecond(names.one)),
      figure(`${names.two}: requests`, '/CPU s', perCpuSecond(names.two)),
      ratioFigure(`${names.two} / ${names.one}`, perCpuSecond(names.two), perCpuSecond(names.one), { atLeast: 0.9 }),
    ],
    notes,
  }
}
