import type { EdgeReport } from '@gpt-load/contracts/edge-report'
import { formatStateHash } from '@gpt-load/key-health/state-hash'
import type { ContentShipper } from './access-log/content/content-shipper.ts'
import type { LogShipper } from './access-log/log-shipper.ts'
import type { LogSpool } from './access-log/spool/log-spool.ts'
import type { CallerShares } from './control-plane/caller-shares.ts'
import type { ControlLink } from './control-plane/control-link.ts'
import type { PolicyDistributor } from './control-plane/policy-distributor.ts'
import type { SnapshotApplier } from './control-plane/snapshot-applier.ts'
import type { SnapshotPosition } from './control-plane/snapshot-sync.ts'
import type { GroupUsage } from './control-plane/group-usage.ts'
import type { ObservedRules } from './control-plane/observed-rules.ts'
import type { UpstreamWatch } from './control-plane/upstream-watch.ts'
import type { KeyTableWriter } from './data-plane/key-table/key-table-writer.ts'
import type { WorkerPool } from './worker-pool.ts'

/** What an edge is made of, as far as others ask it. */
export type EdgeParts = {
  table: KeyTableWriter
  applier: SnapshotApplier
  link: ControlLink
  shipper: LogShipper
  contents: ContentShipper
  /** null = there is none. */
  spool: LogSpool | null
  pool: WorkerPool
  upstreamWatch: UpstreamWatch
  observedRules: ObservedRules
  groupUsage: GroupUsage
  callerShares: CallerShares
  policies: Pick<PolicyDistributor, 'unlimited'>
}

export type EdgeState = { inForce: SnapshotPosition; hasSnapshot: boolean; isDraining: boolean; isEnded: boolean }
export type EdgeIdentity = Pick<EdgeReport, 'edge' | 'instance' | 'version' | 'started_at'>

/** The edge's report of this moment. Its revision is the one that every worker has in force. */
export function describeEdge(parts: EdgeParts, state: EdgeState, identity: EdgeIdentity): EdgeReport {
  const { table, applier, link, shipper, pool, upstreamWatch, observedRules, groupUsage, callerShares } = parts
  const { served, acknowledged, inFlight, spooled, dropped, peakPerSecond } = shipper.counts
  return {
    ...identity,
    ...state.inForce,
    state_hash: formatStateHash(table.stateHash()),
    clock_skew_ms: Math.round(applier.clockSkewMs),
    ready: state.hasSnapshot && !state.isDraining,
    draining: state.isDraining,
    workers: pool.running,
    in_flight: pool.counters().in_flight,
    keys: table.stats().keys,
    feed_connected: link.sync.isFeedConnected,
    log: {
      served,
      acknowledged,
      in_flight: inFlight,
      spooled,
      dropped,
      sources: shipper.sources(),
      peak_per_second: peakPerSecond,
      is_final: state.isEnded,
    },
    outbox_pending: link.outbox.pending,
    worker_deaths: pool.deaths,
    open_upstreams: upstreamWatch.open(),
    rule_observations: observedRules.list(),
    group_usage: groupUsage.list(),
    caller_demand: callerShares.list(),
  }
}
