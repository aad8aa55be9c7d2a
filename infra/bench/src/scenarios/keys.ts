import { edge } from '../contenders/edge.ts'
import { pidOf } from '../contenders/gateway.ts'
import { figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import { memoryOf } from '../lab/proc-stat.ts'
import type { BenchOptions } from '../options.ts'
import { measureRequests, warmUpRequests } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** A pool of many keys costs a request nothing. Two clusters, since an edge knows the keys of all groups of its own. */
const fewKeys = 100

export async function measureKeys(options: BenchOptions): Promise<ScenarioReport> {
  await using few = await startLab(options, { fixed: fewKeys })
  await using many = await startLab(options, { fixed: options.maxKeys })
  const names = { few: `${fewKeys} keys`, many: `${options.maxKeys} keys` }
  const { values, notes } = await measureInRounds(
    [edge(few, { name: names.few }), edge(many, { name: names.many })],
    options,
    {
      warmUp: warmUpRequests(options),
      async measure(gateway) {
        const { cpuUsPerRequest, p99Us } = await measureRequests(gateway, options)
        return { cpuUsPerRequest, p99Ms: p99Us / 1_000, rssMb: memoryOf(pidOf(gateway)).rssBytes / 1e6 }
      },
    },
  )
  const cpuOf = (name: string): number[] => values.get(name)!.map(({ cpuUsPerRequest }) => cpuUsPerRequest)
  return {
    title: 'Many keys',
    conditions: `CPU per request at ${options.connections} connections; keys of 164 characters in one group, added by the admin API.`,
    figures: [
      ...[...values].flatMap(([name, rounds]) => [
        figure(`${name}: CPU per request`, 'µs', cpuOf(name)),
        figure(
          `${name}: p99`,
          'ms',
          rounds.map(({ p99Ms }) => p99Ms),
        ),
        figure(
          `${name}: RSS`,
          'MB',
          rounds.map(({ rssMb }) => rssMb),
        ),
      ]),
      ratioFigure(`${names.many} / ${names.few}: CPU per request`, cpuOf(names.many), cpuOf(names.few), {
        atMost: 1.1,
      }),
    ],
    notes,
  }
}
