import { keyStates } from '@gpt-load/contracts/key-state'
import { quoteName } from '@gpt-load/database/bulk-insert'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import type { PublishCounts } from '@gpt-load/transport/redis-change-feed'
import type { ConfigService } from './create-config-service.ts'
import { newestBase } from './truth/base-store.ts'

/** What a dashboard shows of config-service. Scrapes read memory; what the database knows is read every 15 s. */
export type ServiceMetricsOptions = {
  service: Pick<ConfigService, 'head' | 'waiting' | 'probeCounts'>
  store: DatabaseHandle
  /** Absent without Redis. */
  feedCounts?: Readonly<PublishCounts>
  metrics: Metrics
  clock: Clock
  logger: Logger
}

const storedIntervalMs = 15_000

export function startServiceMetrics(options: ServiceMetricsOptions): { stop(): Promise<void> } {
  const { service, store, feedCounts, metrics, clock, logger } = options
  metrics.observedGauge(
    { name: 'gptload_config_revision', help: 'Revision that this replica has seen committed' },
    () => service.head.revision,
  )
  metrics.observedGauge(
    { name: 'gptload_config_waiting_polls', help: 'Long polls of edges that wait for the next revision' },
    () => service.waiting,
  )
  for (const outcome of ['valid', 'refused', 'unproven'] as const)
    metrics.observedCounter(
      {
        name: `gptload_config_probes_${outcome}_total`,
        help: `Probes of keys that found them ${outcome}, scheduled and asked for`,
      },
      () => service.probeCounts[outcome],
    )
  if (feedCounts !== undefined) observeFeed(metrics, feedCounts)
  const base = metrics.gauge({
    name: 'gptload_config_base_revision',
    help: 'Revision of the newest complete snapshot base; 0 = there is none yet',
  })
  const keys = metrics.gauge<'state'>({
    name: 'gptload_config_keys',
    help: 'Keys of all groups by their stored state',
    labels: ['state'],
  })
  return startPeriodic({
    name: 'service-metrics',
    intervalMs: storedIntervalMs,
    isImmediate: true,
    clock,
    logger,
    run: async () => {
      base.set((await newestBase(store, service.head.epoch))?.revision ?? 0)
      const counts = await countKeysByState(store)
      for (const state of keyStates) keys.set(counts.get(state) ?? 0, { state })
    },
  })
}

function observeFeed(metrics: Metrics, counts: Readonly<PublishCounts>): void {
  metrics.observedCounter(
    { name: 'gptload_config_feed_published_total', help: 'Messages that Redis took, beats included' },
    () => counts.published,
  )
  metrics.observedCounter(
    { name: 'gptload_config_feed_failed_total', help: 'Messages that Redis did not take; edges pull what they missed' },
    () => counts.failed,
  )
}

/** Over the stored counts: a row per group and state, never a million keys. */
async function countKeysByState(store: DatabaseHandle): Promise<ReadonlyMap<string, number>> {
  const rows = await store.sql.query<{ state: string; total: number }>(
    `SELECT state, SUM(${quoteName(store.sql, 'count')}) AS total FROM group_key_counts GROUP BY state`,
  )
  return new Map(rows.map(({ state, total }) => [state, Number(total)]))
}
