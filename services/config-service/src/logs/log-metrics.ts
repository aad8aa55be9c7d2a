import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import type { Reconciliation } from '@gpt-load/contracts/api/log-account'

/** The log invariant as a metric, over the edges of the last 7 days: `missing` and `dropped` are what to alert on. */
export type LogMetricsOptions = {
  reconcile(): Promise<Reconciliation>
  metrics: Metrics
  clock: Clock
  logger: Logger
}

const intervalMs = 15_000
const states = [
  'served',
  'committed',
  'sampled_out',
  'dead_lettered',
  'dropped',
  'spooled',
  'in_flight',
  'missing',
  'unknown_at_most',
] as const

export function startLogMetrics({ reconcile, metrics, clock, logger }: LogMetricsOptions): { stop(): Promise<void> } {
  const records = metrics.gauge<'state'>({
    name: 'gptload_log_records',
    help: 'Request records of all edges by where they are; served is the sum of the others',
    labels: ['state'],
  })
  return startPeriodic({
    name: 'log-metrics',
    intervalMs,
    isImmediate: true,
    clock,
    logger,
    run: async () => {
      const counts = await reconcile()
      for (const state of states) records.set(counts[state], { state })
    },
  })
}
