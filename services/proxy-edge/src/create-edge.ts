// An edge without its process: key table, policies, workers, sync with the control plane, outbox, request log. The cluster's
// main.ts passes real adapters, standalone its in-process ones.
//
//   last good snapshot -> what is new (3 s at most) -> listen -> follow the control plane, if there is one -> drain -> close
//
// Invariant: a revision is reported only when every worker has its policies in force.

import { randomBytes } from 'node:crypto'
import { formatStateHash } from '@gpt-load/key-health/state-hash'
import type { Clock } from '@gpt-load/service-kit/clock'
import { collectGarbage } from '@gpt-load/service-kit/collect-garbage'
import type { Health } from '@gpt-load/service-kit/health'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import type { LogProducer } from '@gpt-load/transport/log-stream'
import type { SnapshotStore } from '@gpt-load/transport/snapshot-store'
import { createContentShipper } from './access-log/content/content-shipper.ts'
import { createDroppingLogShipper } from './access-log/dropping-log-shipper.ts'
import { createLogShipper, type LogShipper } from './access-log/log-shipper.ts'
import { createLogSpool, type LogSpool, type LogSpoolOptions } from './access-log/spool/log-spool.ts'
import { openClientTls } from './client-tls.ts'
import type { RequestPathConfig } from './config.ts'
import {
  openControlLink,
  type ControlLink,
  type ControlLinkOptions,
  type ControlPlane,
} from './control-plane/control-link.ts'
import { openDetachedLink } from './control-plane/detached-link.ts'
import { registerEdgeHealth } from './control-plane/edge-health.ts'
import { createCallerShares } from './control-plane/caller-shares.ts'
import { createGroupUsage } from './control-plane/group-usage.ts'
import { createObservedRules } from './control-plane/observed-rules.ts'
import { createPolicyDistributor } from './control-plane/policy-distributor.ts'
import { createSnapshotApplier } from './control-plane/snapshot-applier.ts'
import type { SnapshotPosition } from './control-plane/snapshot-sync.ts'
import { noPosition } from './control-plane/stored-snapshot.ts'
import { accessKeyRow, CallerMemory, callerMemoryBytes, groupRow } from './data-plane/caller-limits/caller-memory.ts'
import { createKeyTable } from './data-plane/key-table/key-table-writer.ts'
import { openRequestsBytes, readCallers, releaseDead } from './data-plane/request-gate.ts'
import { describeEdge } from './describe-edge.ts'
import { drainEdge } from './drain.ts'
import { registerEdgeMetrics } from './edge-metrics.ts'
import { createUpstreamSlots } from './control-plane/upstream-slots.ts'
import { createUpstreamWatch } from './control-plane/upstream-watch.ts'
import { UpstreamHealth, upstreamHealthBytes } from './data-plane/upstream-health/upstream-health.ts'
import { createExplainer } from './explain/explainer.ts'
import { createWorkerData, policyOptionsOf } from './worker-data.ts'
import { createWorkerPool } from './worker-pool.ts'
import { createWorkerRecords } from './worker-records.ts'

export type EdgeOptions = {
  config: RequestPathConfig
  name: string
  host: string
  /** 0 = any free one. */
  port: number
  workers: number
  drainDelayMs: number
  maxSnapshotAgeMs: number
  edgeTokens: readonly string[]
  /** null = there is none: what `snapshotStore` holds is served for good. */
  controlPlane: ControlPlane | null
  /** null = there is none: request records are counted and dropped. */
  logProducer: LogProducer | null
  /** Called when the first body is recorded; its producer is closed by the edge. null = bodies are counted and dropped. */
  openContentProducer: (() => LogProducer) | null
  /** null = request records wait in memory only. */
  logSpool: Pick<LogSpoolOptions, 'dir' | 'maxBytes' | 'fsync' | 'takeOverAfterMs'> | null
  /** null = nothing is kept, and the edge starts from the control plane only. */
  snapshotStore: SnapshotStore | null
  /** Unix socket of the control plane's server; '' = none beside this edge. */
  controlSocketPath: string
  health: Health
  metrics: Metrics
  clock: Clock
  logger: Logger
  version: string
  /** The process cannot go on. */
  fail(error: unknown): void
}

export interface Edge {
  readonly port: number
  readonly instance: string
  /** What is in force in every worker. */
  position(): SnapshotPosition
  /** Drains as drain.ts says, then closes what `createEdge` opened; ports that were passed in stay the caller's. */
  close(): Promise<void>
}

export async function createEdge(options: EdgeOptions): Promise<Edge> {
  const { config, clock, logger, health, name } = options
  const instance = randomBytes(8).toString('hex')
  const startedAtMs = clock.nowMs()
  const table = createKeyTable({ clock, maxModelDeviations: config.MAX_MODEL_LIMITS })
  const openRequests = new SharedArrayBuffer(openRequestsBytes)
  const callerMemory = new SharedArrayBuffer(callerMemoryBytes)
  const callers = new CallerMemory(callerMemory)
  const upstreamHealth = new SharedArrayBuffer(upstreamHealthBytes)
  const watchedUpstreams = new UpstreamHealth(upstreamHealth)
  const upstreamSlots = createUpstreamSlots((slot) => watchedUpstreams.reset(slot))
  const state = {
    inForce: noPosition,
    hasSnapshot: false,
    isDraining: false,
    isEnded: false,
  }

  const clientTls = await openClientTls({
    certFile: config.TLS_CERT,
    keyFile: config.TLS_KEY,
    logger,
    onChange: (tls) => pool.broadcast({ type: 'tls', tls }),
  })
  const policies = createPolicyDistributor({
    openGroup(groupNumber) {
      table.openGroup(groupNumber)
      callers.forget(groupRow(groupNumber))
    },
    closeGroup: (groupNumber) => table.closeGroup(groupNumber),
    upstreamSlots,
    openLimit: (limitNumber) => callers.forget(accessKeyRow(limitNumber)),
    // Before the first snapshot is whole, workers are told nothing: they answer NOT_READY.
    send: (update) => void (state.hasSnapshot && pool.sendPolicies(update)),
  })
  const applier = createSnapshotApplier({
    table,
    policies,
    clock,
    isBesideControlPlane: options.controlSocketPath !== '',
  })
  const link = openLink(options, {
    edge: name,
    instance,
    applier,
    table,
    onApplied,
    describe: () => describeEdge(parts, state, identity),
    onAnswer({ live_edges, caller_demand, questions }) {
      table.setLiveEdges(live_edges)
      callerShares.learn({ liveEdges: live_edges, demand: caller_demand })
      explain(questions)
    },
  })
  const { shipper, spool } = openLog(options, instance)
  const records = createWorkerRecords(shipper, (seatNumber) => `${instance}.${seatNumber}`)
  const contents = createContentShipper({
    edge: name,
    instance,
    openProducer: options.openContentProducer,
    clock,
    logger,
  })
  const observedRules = createObservedRules()
  const pool = createWorkerPool({
    count: options.workers,
    host: options.host,
    port: options.port,
    entry: new URL('./data-plane/worker.ts', import.meta.url),
    workerData: createWorkerData({
      ...options,
      instance,
      keyTable: table.handles,
      openRequests,
      callerMemory,
      upstreamHealth,
      clientTls: () => clientTls.current(),
    }),
    greet: () => (state.hasSnapshot ? policies.whole(applier.clockSkewMs) : null),
    onMessage({ number }, message) {
      if (message.type === 'key_outcome') link.outbox.add(message.outcome)
      else if (message.type === 'rule_observed') observedRules.add(message.observed)
      else if (message.type === 'resource') link.resources.add(message.resource)
      else if (message.type === 'log_batch') records.take(number, message)
      else if (message.type === 'content') contents.add(message.content)
    },
    onDeath({ seat, finishedRequests }) {
      table.recoverFrom(seat.number)
      releaseDead(openRequests, seat.ownRequests)
      records.settle(seat.number, finishedRequests)
    },
    fail: options.fail,
    clock,
    logger,
  })
  const explain = createExplainer({
    edge: name,
    api: link,
    position: () => state.inForce,
    policies,
    policyOptions: policyOptionsOf(config),
    table: table.table,
    health: watchedUpstreams,
    clockSkewMs: () => applier.clockSkewMs,
    logger,
  })
  const upstreamWatch = createUpstreamWatch({ slots: upstreamSlots, health: watchedUpstreams, clock, logger })
  const groupUsage = createGroupUsage({ table, policies, clock, logger })
  const callerShares = createCallerShares({
    memory: callers,
    policies,
    underWay: readCallers(openRequests),
    clock,
  })
  const parts = {
    spool,
    table,
    policies,
    applier,
    shipper,
    contents,
    link,
    pool,
    upstreamWatch,
    observedRules,
    groupUsage,
    callerShares,
  }
  const identity = { edge: name, instance, version: options.version, started_at: startedAtMs }

  function onApplied(position: SnapshotPosition): void {
    if (!state.hasSnapshot) {
      state.hasSnapshot = true
      pool.sendPolicies(policies.whole(applier.clockSkewMs))
    }
    void pool.policiesInForce().then(() => {
      state.inForce = position
      link.triggerReport()
    })
  }

  registerEdgeHealth({
    health,
    clock,
    position: () => state.inForce,
    stateHash: () => formatStateHash(table.stateHash()),
    link,
    maxSnapshotAgeMs: options.maxSnapshotAgeMs,
    runningWorkers: () => pool.running,
    wantedWorkers: options.workers,
    isLogStreamConnected: () => options.logProducer?.isConnected() ?? null,
    log: () => ({ ...shipper.counts, spoolTrouble: spool === null ? null : spool.trouble }),
  })
  registerEdgeMetrics({ metrics: options.metrics, ...parts })

  table.start()
  await link.begin()
  const { port } = await pool.start()
  collectGarbage()
  link.start()
  // Nobody would be told.
  if (!link.isDetached) groupUsage.start()

  return {
    port,
    instance,
    position: () => state.inForce,
    async close() {
      await drainEdge({
        delayMs: options.drainDelayMs,
        gracefulTimeoutMs: config.SERVER_GRACEFUL_SHUTDOWN_TIMEOUT,
        startDraining() {
          state.isDraining = true
          health.startDraining()
          link.triggerReport()
        },
        tellWorkers: (command) => pool.broadcast(command),
        stopAccepting: () => pool.stopAccepting(),
        openRequests: () => pool.counters().in_flight,
        lastRequestAtMs: () => pool.counters().last_request_at_ms,
        closeWorkers: () => pool.close(),
        flush: async (timeoutMs) =>
          void (await Promise.all([shipper.flush(timeoutMs), contents.flush(timeoutMs), link.flush(timeoutMs)])),
        clock,
        logger,
      })
      await groupUsage.close()
      await link.close()
      await shipper.close()
      await contents.close()
      await spool?.close()
      // Its last word: what it says of its records now stays true.
      state.isEnded = true
      await link.sayLast()
      table.close()
      clientTls.close()
    },
  }
}

function openLink(
  options: EdgeOptions,
  parts: Omit<ControlLinkOptions, 'edgeTokens' | 'snapshotStore' | 'maxSnapshotAgeMs' | 'clock' | 'logger'>,
): ControlLink {
  const { controlPlane, snapshotStore } = options
  const linkOptions = { ...options, ...parts }
  if (controlPlane !== null) return openControlLink(controlPlane, linkOptions)
  if (snapshotStore === null) throw new TypeError('an edge without a control plane needs a snapshot store')
  return openDetachedLink({ ...linkOptions, snapshotStore })
}

function openLog(options: EdgeOptions, instance: string): { shipper: LogShipper; spool: LogSpool | null } {
  const { logProducer: producer, logSpool, config, clock, logger } = options
  if (producer === null) {
    logger.warn('there is no log stream: request records are counted and dropped')
    return { shipper: createDroppingLogShipper(), spool: null }
  }
  const spool =
    logSpool === null
      ? null
      : createLogSpool({ ...logSpool, instance, clock, logger, onTakenOver: () => shipper.resume() })
  const codec = config.LOG_BATCH_CODEC
  const shipper = createLogShipper({
    spool,
    producer,
    codec,
    clock,
    logger,
    maxRingBytes: config.LOG_MAX_WAITING_BYTES,
  })
  return { shipper, spool }
}
