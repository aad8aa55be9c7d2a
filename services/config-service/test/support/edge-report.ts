import type { EdgeReport } from '@gpt-load/contracts/edge-report'

/** Of an edge that is well and has nothing to say. */
export function edgeReport(instance: string, epoch: string): EdgeReport {
  return {
    edge: 'edge-1',
    instance,
    version: 'test',
    started_at: 1_000,
    epoch,
    revision: 0,
    state_hash: '',
    clock_skew_ms: 0,
    ready: true,
    draining: false,
    workers: 1,
    in_flight: 0,
    keys: 0,
    feed_connected: true,
    log: {
      served: 0,
      acknowledged: 0,
      in_flight: 0,
      spooled: 0,
      dropped: 0,
      sources: [],
      peak_per_second: 0,
      is_final: false,
    },
    outbox_pending: 0,
    worker_deaths: 0,
    open_upstreams: [],
    rule_observations: [],
    group_usage: [],
    caller_demand: [],
  }
}
