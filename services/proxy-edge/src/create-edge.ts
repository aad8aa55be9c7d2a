// An edge without its process: key table, policies, workers, sync with the control plane, outbox, request log. The cluster's
// main.ts passes real adapters, standalone its in-process ones.
//
//   last good snapshot -> what is new (3 s at most) -> listen -> follow the control plane -> drain -> close
//
// Invariant: a revision is reported only when every worker has its policies in force.

import { randomBytes } from 'node:crypto'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Health } from '@gpt-load/service-kit/health'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import type { ChangeFeedSubscriber } from '@gpt-load/transport/change-feed'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import type { LogProducer } from '@gpt-load/transport/log-stream'
import type { SnapshotStore } from '@gpt-load/transport/snapshot-store'
import { createContentShipper } from './access-log/content/content-shipper.ts'
import { createLogShipper } from './access-log/log-shipper.ts'
import { createLogSpool, type LogSpoolOptions } from './access-log/spool/log-spool.ts'
import { openClientTls } from './client-tls.ts'
import type { RequestPathConfig } from './config.ts'
import { createAnsweredApi } from './control-plane/answered-api.ts'
import { registerEdgeHealth } from './control-plane/edge-health.ts'
import { createLastGoodSnapshot, type LastGoodSnapshot } from './control-plane/last-good-snapshot.ts'
import { createOutbox } from './control-plane/outbox.ts'
import { createObservedRules } from './control-plane/observed-rules.ts'
import { createPolicyDistributor } from './control-plane/policy-distributor.ts'
import { createReporter } from './control-plane/reporter.ts'
import { createResourceExchange } from './control-plane/resource-exchange.ts'
import { createSnapshotApplier } from './control-plane/snapshot-applier.ts'
import { createSnapshotSync, type SnapshotPosition } from './control-plane/snapshot-sync.ts'
import { createKeyTable } from './data-plane/key-table/key-table-writer.ts'
import { openRequestsBytes, releaseDead } from './data-plane/request-gate.ts'
import { describeEdge, type EdgeParts } from './describe-edge.ts'
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
  api: InternalApi
  feed: ChangeFeedSubscriber
  logProducer: LogProducer
  /** Called when the first body is recorded; its producer is closed by the edge. */
  openContentProducer(): LogProducer
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

/** Longer than a control plane takes that is there; past it the last good snapshot has to do. */
const firstPullTimeoutMs = 3_000

export async function createEdge(options: EdgeOptions): Promise<Edge> {
  const { config, clock, logger, health, edgeTokens, name } = options
  const instance = randomBytes(8).toString('hex')
  const startedAtMs = clock.nowMs()
  const api = createAnsweredApi(options.api, clock)
  const table = createKeyTable({ clock })
  const openRequests = new SharedArrayBuffer(openRequestsBytes)
  const upstreamHealth = new SharedArrayBuffer(upstreamHealthBytes)
  const watchedUpstreams = new UpstreamHealth(upstreamHealth)
  const upstreamSlots = createUpstreamSlots((slot) => watchedUpstreams.reset(slot))
  const state = {
    inForce: { epoch: '', revision: 0 } as SnapshotPosition,
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
    openGroup: (groupNumber) => table.openGroup(groupNumber),
    closeGroup: (groupNumber) => table.closeGroup(groupNumber),
    upstreamSlots,
    // Before the first snapshot is whole, workers are told nothing: they answer NOT_READY.
    send: (update) => void (state.hasSnapshot && pool.sendPolicies(update)),
  })
  const applier = createSnapshotApplier({ table, policies })
  const sync = createSnapshotSync({ api, feed: options.feed, applier, edgeTokens, clock, logger, onApplied })
  const spool =
    options.logSpool === null
      ? null
      : createLogSpool({ ...options.logSpool, instance, clock, logger, onTakenOver: () => shipper.resume() })
  const shipper = createLogShipper({
    spool,
    producer: options.logProducer,
    codec: config.LOG_BATCH_CODEC,
    clock,
    logger,
    maxRingBytes: config.LOG_MAX_WAITING_BYTES,
  })
  const records = createWorkerRecords(shipper, (seatNumber) => `${instance}.${seatNumber}`)
  const contents = createContentShipper({
    edge: name,
    instance,
    openProducer: options.openContentProducer,
    clock,
    logger,
  })
  const observedRules = createObservedRules()
  const epoch = (): string => sync.position.epoch
  const outbox = createOutbox({
    api,
    edge: name,
    instance,
    epoch,
    clock,
    logger,
    onOtherEpoch: () => sync.pullNow(),
  })
  const resources = createResourceExchange({ api, table, epoch, clock, logger })
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
      upstreamHealth,
      clientTls: () => clientTls.current(),
    }),
    greet: () => (state.hasSnapshot ? policies.whole(applier.clockSkewMs) : null),
    onMessage({ number }, message) {
      if (message.type === 'key_outcome') outbox.add(message.outcome)
      else if (message.type === 'rule_observed') observedRules.add(message.observed)
      else if (message.type === 'resource') resources.add(message.resource)
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
    api,
    position: () => state.inForce,
    policies,
    policyOptions: policyOptionsOf(config),
    table: table.table,
    health: watchedUpstreams,
    clockSkewMs: () => applier.clockSkewMs,
    logger,
  })
  const lastGood = openLastGood(options, api)
  const upstreamWatch = createUpstreamWatch({ slots: upstreamSlots, health: watchedUpstreams, clock, logger })
  const parts = {
    spool,
    table,
    applier,
    sync,
    shipper,
    contents,
    outbox,
    resources,
    pool,
    upstreamWatch,
    observedRules,
  }
  const reporter = createReporter({
    api,
    clock,
    describe: () => describeEdge(parts, state, identity),
    onAnswer({ live_edges, questions }) {
      table.setLiveEdges(live_edges)
      explain(questions)
    },
  })
  const identity = { edge: name, instance, version: options.version, started_at: startedAtMs }

  function onApplied(position: SnapshotPosition): void {
    if (!state.hasSnapshot) {
      state.hasSnapshot = true
      pool.sendPolicies(policies.whole(applier.clockSkewMs))
    }
    void pool.policiesInForce().then(() => {
      state.inForce = position
      reporter.trigger()
    })
  }

  registerEdgeHealth({
    health,
    clock,
    position: () => state.inForce,
    answeredAtMs: () => api.answeredAtMs,
    maxSnapshotAgeMs: options.maxSnapshotAgeMs,
    runningWorkers: () => pool.running,
    wantedWorkers: options.workers,
    isFeedConnected: () => sync.isFeedConnected,
    isLogStreamConnected: () => options.logProducer.isConnected(),
    log: () => ({ ...shipper.counts, spoolTrouble: spool === null ? 'there is none' : spool.trouble }),
    outboxPending: () => outbox.pending,
  })
  registerEdgeMetrics({ metrics: options.metrics, ...parts, storedRevision: () => lastGood?.storedRevision ?? 0 })

  table.start()
  await restoreLastGood(lastGood, parts, logger)
  if (!(await sync.tryFirst(firstPullTimeoutMs)))
    logger.warn({ revision: sync.position.revision }, 'the control plane does not answer yet')
  const { port } = await pool.start()
  sync.start()
  resources.start()
  lastGood?.follow(() => sync.position)
  reporter.start()

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
          reporter.trigger()
        },
        tellWorkers: (command) => pool.broadcast(command),
        stopAccepting: () => pool.stopAccepting(),
        openRequests: () => pool.counters().in_flight,
        lastRequestAtMs: () => pool.counters().last_request_at_ms,
        closeWorkers: () => pool.close(),
        flush: async (timeoutMs) =>
          void (await Promise.all([
            shipper.flush(timeoutMs),
            contents.flush(timeoutMs),
            outbox.flush(timeoutMs),
            resources.flush(timeoutMs),
          ])),
        clock,
        logger,
      })
      await sync.close()
      await lastGood?.close()
      await outbox.close()
      await resources.close()
      await shipper.close()
      await contents.close()
      await spool?.close()
      // Its last word: what it says of its records now stays true.
      state.isEnded = true
      await reporter.close()
      table.close()
      clientTls.close()
    },
  }
}

function openLastGood({ snapshotStore: store, maxSnapshotAgeMs: maxAgeMs, ...rest }: EdgeOptions, api: InternalApi) {
  const { edgeTokens, clock, logger } = rest
  return store === null ? null : createLastGoodSnapshot({ store, api, edgeTokens, clock, logger, maxAgeMs })
}

/** A stored snapshot that cannot be read is no reason not to start: the control plane has a newer one. */
async function restoreLastGood(
  lastGood: LastGoodSnapshot | null,
  { applier, sync }: Pick<EdgeParts, 'applier' | 'sync'>,
  logger: Logger,
): Promise<void> {
  const stored = await lastGood?.restore(applier).catch((error: unknown) => {
    logger.error({ err: error }, 'the last good snapshot cannot be used')
    return null
  })
  if (stored) sync.resumeAt(stored)
}
