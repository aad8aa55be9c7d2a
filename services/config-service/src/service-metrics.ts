import { keyStates } from '@gpt-load/contracts/key-state'
import { quoteName } from '@gpt-load/database/bulk-insert'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import { parseStateHash, stateHashNumber } from '@gpt-load/key-health/state-hash'
import { startPeriodic, type Periodic } from '@gpt-load/service-kit/periodic'
import type { PublishCounts } from '@gpt-load/transport/redis-change-feed'
import type { ConfigService } from './create-config-service.ts'
import { newestBase } from './truth/base-store.ts'

/** What a dashboard shows of config-service. Scrapes read memory; what the database knows is read every 15 s. */
export type ServiceMetricsOptions = {
  service: Pick<ConfigService, 'head' | 'waiting' | 'probeCounts' | 'stateHash'>
  store: DatabaseHandle
  /** Absent without Redis. */
  feedCounts?: Readonly<PublishCounts>
  metrics: Metrics
  clock: Clock
  logger: Logger
}

const storedIntervalMs = 15_000
const stateHashIntervalMs = 60_000
/** It reads every key: with a million of them it is computed less often than each minute. */
const maxStateHashShare = 0.01

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
  const stateHash = startStateHashMetrics(options)
  const stored = startPeriodic({
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
  return { stop: async () => void (await Promise.all([stored.stop(), stateHash.stop()])) }
}

/** Comparable with `gptload_edge_state_hash` where the revisions are the same. */
function startStateHashMetrics({ service, metrics, clock, logger }: ServiceMetricsOptions): Periodic {
  const hash = metrics.gauge({
    name: 'gptload_config_state_hash',
    help: 'State hash of the database, lower 53 bits, at gptload_config_state_hash_revision',
  })
  const revision = metrics.gauge({
    name: 'gptload_config_state_hash_revision',
    help: 'Revision that the state hash was computed at',
  })
  let notBeforeMs = 0
  return startPeriodic({
    name: 'state-hash',
    intervalMs: stateHashIntervalMs,
    isImmediate: true,
    clock,
    logger,
    run: async () => {
      const startedAtMs = clock.monotonicMs()
      if (startedAtMs < notBeforeMs) return
      const stored = await service.stateHash()
      notBeforeMs = clock.monotonicMs() + (clock.monotonicMs() - startedAtMs) / maxStateHashShare
      hash.set(stateHashNumber(parseStateHash(stored.total)))
      revision.set(stored.revision)
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
