import type { ScenarioReport } from '../figure.ts'
import type { BenchOptions } from '../options.ts'
import { measureAborts } from './abort.ts'
import { measureChurn } from './churn.ts'
import { measureClusterControl, measureStandaloneControl } from './control-keys.ts'
import { measureEdgeMillion } from './edge-million.ts'
import { measureFastStreams } from './fast-streams.ts'
import { measureKeys } from './keys.ts'
import { measureLatency } from './latency.ts'
import { measureLogCost } from './log-cost.ts'
import { measureLogs } from './logs.ts'
import { measureMemory } from './memory.ts'
import { measurePacedStreams } from './paced-streams.ts'
import { measurePick } from './pick.ts'
import { measurePropagation } from './propagation.ts'
import { measureRequestCosts } from './requests.ts'
import { measureStandaloneKeys } from './standalone-keys.ts'
import { measureTls } from './tls.ts'
import { measureWires } from './wire.ts'
import { measureWorkers } from './workers.ts'

/** By the name that the command line takes, in the order in which they run. */
export const scenarios: Readonly<Record<string, (options: BenchOptions) => Promise<ScenarioReport>>> = {
  requests: measureRequestCosts,
  latency: measureLatency,
  'paced-streams': measurePacedStreams,
  'fast-streams': measureFastStreams,
  memory: measureMemory,
  abort: measureAborts,
  churn: measureChurn,
  tls: measureTls,
  keys: measureKeys,
  pick: measurePick,
  workers: measureWorkers,
  wire: measureWires,
  'log-cost': measureLogCost,
  logs: ({ logRows }) => measureLogs(logRows),
  'standalone-keys': ({ standaloneKeys }) => measureStandaloneKeys(standaloneKeys),
  'control-standalone': measureStandaloneControl,
  'control-cluster': measureClusterControl,
  'edge-million': measureEdgeMillion,
  propagation: measurePropagation,
}
