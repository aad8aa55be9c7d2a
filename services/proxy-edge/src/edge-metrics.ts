import { stateHashNumber } from '@gpt-load/key-health/state-hash'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import type { EdgeParts } from './describe-edge.ts'
import { maxLimitedAccessKeys } from './data-plane/caller-limits/caller-memory.ts'
import { counterNames, durationBucketsMs, type CounterName } from './data-plane/observe/counters.ts'

/** What an edge says about itself, read when it is asked: nothing is counted twice, and nothing on the request path. */
export type EdgeMetricsOptions = Omit<EdgeParts, 'applier'> & { metrics: Metrics }

/** These are states, or have a line of their own. */
const notCounters: ReadonlySet<CounterName> = new Set([
  'in_flight',
  'last_request_at_ms',
  'replay_bytes',
  'body_memory_bytes',
  'upstream_checks',
  'upstream_checks_failed',
])

export function registerEdgeMetrics(options: EdgeMetricsOptions): void {
  registerRequests(options)
  registerKeys(options)
  registerUpstreams(options)
  registerControl(options)
  registerLog(options)
  registerContents(options)
}

function registerRequests({ metrics, pool, policies }: EdgeMetricsOptions): void {
  for (const name of counterNames) {
    if (notCounters.has(name) || name.startsWith('duration_')) continue
    const help = `Proxy requests, counted by what happened to them: ${name}`
    metrics.observedCounter({ name: `gptload_edge_${name}_total`, help }, () => pool.counters()[name])
  }
  const duration = 'gptload_edge_request_duration'
  for (const limit of durationBucketsMs)
    metrics.observedCounter(
      { name: `${duration}_le_${limit}ms_total`, help: `Requests that took at most ${limit} ms` },
      () => pool.counters()[`duration_le_${limit}`],
    )
  metrics.observedCounter(
    { name: `${duration}_seconds_total`, help: 'Time of all finished requests' },
    () => pool.counters().duration_sum_ms / 1_000,
  )
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.observedGauge({ name: `gptload_edge_${name}`, help }, read)
  gauge('in_flight', 'Proxy requests under way', () => pool.counters().in_flight)
  gauge(
    'replay_bytes',
    'Memory of request bodies kept for a retry (bound: MAX_REPLAY_BYTES per worker)',
    () => pool.counters().replay_bytes,
  )
  gauge(
    'body_memory_bytes',
    'Blocks of memory for request bodies, in use or spare (of the spare ones 2 MiB per worker)',
    () => pool.counters().body_memory_bytes,
  )
  gauge(
    'unlimited_access_keys',
    `Access keys whose limits are not kept: more than ${maxLimitedAccessKeys} have some`,
    () => policies.unlimited,
  )
  gauge('workers', 'Data-plane threads that run', () => pool.running)
  gauge('worker_deaths', 'Data-plane threads that died since the start', () => pool.deaths)
  gauge('lost_requests', 'Requests that were open when their thread died', () => pool.lostRequests)
}

function registerKeys({ metrics, table }: EdgeMetricsOptions): void {
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.observedGauge({ name: `gptload_edge_key_table_${name}`, help }, read)
  gauge('keys', 'Keys in the table', () => table.stats().keys)
  metrics.observedGauge(
    { name: 'gptload_edge_state_hash', help: 'State hash over all keys, lower 53 bits, at gptload_edge_revision' },
    () => stateHashNumber(table.stateHash()),
  )
  gauge('secret_bytes', 'Memory of their secrets', () => table.stats().secretBytes)
  gauge(
    'model_deviations',
    'Limits of one model that are stored (bound: MAX_MODEL_LIMITS)',
    () => table.stats().modelDeviations,
  )
  gauge('model_deviations_refused', 'Limits that found no room', () => table.stats().modelDeviationsRefused)
  gauge('resources', 'Resources whose key is known', () => table.stats().resources)
  gauge('resources_lost', 'Of these, displaced by newer ones', () => table.stats().resourcesLost)
  gauge('refused_keys', 'Keys that are no keys (empty or too long)', () => table.stats().refusedKeys)
  gauge('cut_walks', 'Searches for a key that reached their bound', () => table.stats().cutWalks)
  gauge('lock_timeouts', 'Changes given up because a lock was not to be had', () => table.stats().lockTimeouts)
  gauge('lock_steals', 'Locks taken from a thread that died with them', () => table.stats().lockSteals)
}

function registerUpstreams({ metrics, upstreamWatch, pool }: EdgeMetricsOptions): void {
  metrics.observedCounter(
    { name: 'gptload_edge_upstream_checks_total', help: 'Checks of upstreams (upstream_check_path)' },
    () => pool.counters().upstream_checks,
  )
  metrics.observedCounter(
    { name: 'gptload_edge_upstream_checks_failed_total', help: 'Of these, without an answer below 500 in time' },
    () => pool.counters().upstream_checks_failed,
  )
  metrics.observedGauge(
    { name: 'gptload_edge_open_upstreams', help: 'Upstreams whose circuit is not closed (50 at most are counted)' },
    () => upstreamWatch.open().length,
  )
  metrics.observedGauge(
    { name: 'gptload_edge_upstream_openings', help: 'Openings of circuits of the upstreams that are there now' },
    () => upstreamWatch.openings(),
  )
}

function registerControl({ metrics, link }: EdgeMetricsOptions): void {
  const { sync, outbox, resources } = link
  const counter = (name: string, help: string, read: () => number) =>
    metrics.observedCounter({ name: `gptload_edge_${name}_total`, help }, read)
  metrics.observedGauge({ name: 'gptload_edge_revision', help: 'Revision applied' }, () => sync.position.revision)
  metrics.observedGauge(
    { name: 'gptload_edge_stored_revision', help: 'Revision of the last good snapshot that is kept' },
    () => link.storedRevision,
  )
  metrics.observedGauge({ name: 'gptload_edge_detached', help: '1 = serves without a control plane' }, () =>
    link.isDetached ? 1 : 0,
  )
  metrics.observedGauge({ name: 'gptload_edge_feed_connected', help: '1 while the change feed is connected' }, () =>
    sync.isFeedConnected ? 1 : 0,
  )
  counter('pulls', 'Questions to config-service for changes', () => sync.counts.pulls)
  counter('bases', 'Full snapshots taken', () => sync.counts.bases)
  counter('feed_changes', 'Changes applied from the feed alone', () => sync.counts.fromFeed)
  counter('pull_failures', 'Questions that failed', () => sync.counts.failures)
  metrics.observedGauge(
    { name: 'gptload_edge_outbox_pending', help: 'Key events that config-service has not acknowledged' },
    () => outbox.pending,
  )
  counter('resources_told', 'Resources whose key this edge has told', () => resources.counts.told)
  counter('resources_heard', 'Resources whose key it has heard, some of them again', () => resources.counts.heard)
  counter('resources_dropped', 'Resources that could not be told', () => resources.counts.dropped)
  counter('outbox_events', 'Key events acknowledged', () => outbox.counts.events)
  counter('outbox_resends', 'Posts sent again', () => outbox.counts.resends)
  counter('outbox_dropped', 'Key events of another epoch, dropped', () => outbox.counts.dropped)
}

function registerLog({ metrics, shipper, spool }: EdgeMetricsOptions): void {
  const counter = (name: string, help: string, read: () => number) =>
    metrics.observedCounter({ name: `gptload_edge_log_${name}_total`, help }, read)
  counter('served', 'Requests that left a record', () => shipper.counts.served)
  counter('acknowledged', 'Records that the log stream has', () => shipper.counts.acknowledged)
  counter('dropped', 'Records lost past the bound, or with a thread that died', () => shipper.counts.dropped)
  counter('failed_sends', 'Sends that failed and were repeated', () => shipper.counts.failedSends)
  counter('recovered', 'Records of earlier processes that were sent from the spool', () => shipper.counts.recovered)
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.observedGauge({ name: `gptload_edge_log_spool_${name}`, help }, read)
  gauge('records', 'Records of this process that wait on disk', () => spool?.counts.records ?? 0)
  gauge('bytes', 'Disk that waiting records take (bound: LOG_SPOOL_MAX_BYTES)', () => spool?.counts.bytes ?? 0)
  gauge('damaged', 'Segments whose end could not be read', () => spool?.counts.damaged ?? 0)
  gauge('failing', '1 while the disk does not take records, or there is no spool', () =>
    spool !== null && spool.trouble === '' ? 0 : 1,
  )
  metrics.observedGauge(
    { name: 'gptload_edge_log_in_flight', help: 'Records in memory, not acknowledged' },
    () => shipper.counts.inFlight,
  )
  metrics.observedGauge(
    { name: 'gptload_edge_log_ring_bytes', help: 'Memory of these records' },
    () => shipper.counts.ringBytes,
  )
}

function registerContents({ metrics, contents }: EdgeMetricsOptions): void {
  const counter = (name: string, help: string, read: () => number) =>
    metrics.observedCounter({ name: `gptload_edge_contents_${name}_total`, help }, read)
  counter('captured', 'Requests whose bodies are recorded', () => contents.counts.captured)
  counter('sent', 'Of these, those that the log stream has', () => contents.counts.sent)
  counter('dropped', 'Of these, those that were lost or could not be redacted', () => contents.counts.dropped)
  metrics.observedGauge(
    { name: 'gptload_edge_contents_waiting_bytes', help: 'Memory of bodies that are not sent yet (bound: 64 MiB)' },
    () => contents.counts.waitingBytes,
  )
}
