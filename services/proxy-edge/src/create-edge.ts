// An edge without its process: key table, policies, workers, sync with the control plane, outbox, request log. The cluster's
// main.ts passes real adapters, standalone its in-process ones.
//
//   last good snapshot -> what is new (3 s at most) -> listen -> follow the control plane -> drain -> close
//
// Invariant: a revision is reported only when every worker has its policies in force.

import { randomBytes } from 'node:crypto'
import type { EdgeReport } from '@gpt-load/contracts/edge-report'
import { formatStateHash } from '@gpt-load/key-health/state-hash'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Health } from '@gpt-load/service-kit/health'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import type { ChangeFeedSubscriber } from '@gpt-load/transport/change-feed'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import type { LogProducer } from '@gpt-load/transport/log-stream'
import type { SnapshotStore } from '@gpt-load/transport/snapshot-store'
import { createLogShipper } from './access-log/log-shipper.ts'
import type { RequestPathConfig } from './config.ts'
import { createAnsweredApi } from './control-plane/answered-api.ts'
import { registerEdgeHealth } from './control-plane/edge-health.ts'
import { createLastGoodSnapshot } from './control-plane/last-good-snapshot.ts'
import { createOutbox } from './control-plane/outbox.ts'
import { createPolicyDistributor } from './control-plane/policy-distributor.ts'
import { startReporter } from './control-plane/reporter.ts'
import { createSnapshotApplier } from './control-plane/snapshot-applier.ts'
import { createSnapshotSync, type SnapshotPosition } from './control-plane/snapshot-sync.ts'
import { createKeyTable } from './data-plane/key-table/key-table-writer.ts'
import { openRequestsBytes, RequestGate } from './data-plane/request-gate.ts'
import type { WorkerOptions } from './data-plane/worker-options.ts'
import { drainEdge } from './drain.ts'
import { registerEdgeMetrics } from './edge-metrics.ts'
import { createWorkerPool, type WorkerSeat } from './worker-pool.ts'
import type { FromWorker } from './worker-protocol.ts'

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
const maxHeadBytes = 65_536
/** Per worker: far more than streams that 1 GiB could hold; a flood of idle connections ends here. */
const maxConnections = 32_768

export async function createEdge(options: EdgeOptions): Promise<Edge> {
  const { config, clock, logger, health, edgeTokens } = options
  const instance = randomBytes(8).toString('hex')
  const startedAtMs = clock.nowMs()
  const api = createAnsweredApi(options.api, clock)
  const table = createKeyTable({ clock })
  const openRequests = new SharedArrayBuffer(openRequestsBytes)
  const gate = new RequestGate(openRequests, 0)
  let inForce: SnapshotPosition = { epoch: '', revision: 0 }
  let isReady = false
  let isDraining = false

  const policies = createPolicyDistributor({
    openGroup: (groupNumber) => table.openGroup(groupNumber),
    closeGroup: (groupNumber) => table.closeGroup(groupNumber),
    // Before the first snapshot is whole, workers are told nothing: they answer NOT_READY.
    send: (update) => void (isReady && pool.sendPolicies(update)),
  })
  const applier = createSnapshotApplier({ table, policies })
  const shipper = createLogShipper({
    producer: options.logProducer,
    codec: config.LOG_BATCH_CODEC,
    clock,
    logger,
    maxRingBytes: config.LOG_MAX_WAITING_BYTES,
  })
  const sync = createSnapshotSync({ api, feed: options.feed, applier, edgeTokens, clock, logger, onApplied })
  const outbox = createOutbox({
    api,
    edge: options.name,
    instance,
    epoch: () => sync.position.epoch,
    clock,
    logger,
    onOtherEpoch: () => sync.pullNow(),
  })
  const pool = createWorkerPool({
    count: options.workers,
    host: options.host,
    port: options.port,
    entry: new URL('./data-plane/worker.ts', import.meta.url),
    workerData,
    greet: () => (isReady ? policies.whole(applier.clockSkewMs) : null),
    onMessage,
    onDeath({ seat, openRequests: lost, finishedRequests }) {
      table.recoverFrom(seat.number)
      gate.leave(lost)
      shipper.noteLost(Math.max(0, finishedRequests - (handedOver.get(seat.number) ?? 0)))
      handedOver.delete(seat.number)
    },
    fail: options.fail,
    clock,
    logger,
  })
  /** Records that each worker has handed over: what is missing at its death was lost. */
  const handedOver = new Map<number, number>()

  function onMessage({ number }: WorkerSeat, message: FromWorker): void {
    if (message.type === 'key_outcome') outbox.add(message.outcome)
    else if (message.type === 'log_batch') {
      handedOver.set(number, (handedOver.get(number) ?? 0) + message.identity.count)
      shipper.add(message.identity, message.bytes)
    }
  }

  function onApplied(position: SnapshotPosition): void {
    if (!isReady) {
      isReady = true
      pool.sendPolicies(policies.whole(applier.clockSkewMs))
    }
    void pool.policiesInForce().then(() => {
      inForce = position
      reporter?.trigger()
    })
  }

  function workerData(seat: WorkerSeat): WorkerOptions {
    return {
      edge: options.name,
      instance,
      seat: seat.number,
      listen: { host: options.host, port: seat.port, reusePort: seat.isReusePort },
      limits: {
        headTimeoutMs: config.SERVER_READ_TIMEOUT,
        bodyStallTimeoutMs: config.SERVER_READ_TIMEOUT,
        keepAliveTimeoutMs: config.SERVER_IDLE_TIMEOUT,
        writeStallTimeoutMs: config.SERVER_WRITE_TIMEOUT,
        maxHeadBytes,
        maxConnections,
      },
      policies: {
        proxyEnvironment: {
          httpProxy: config.HTTP_PROXY,
          httpsProxy: config.HTTPS_PROXY,
          noProxy: config.NO_PROXY,
        },
        allowPrivateAddresses: config.ALLOW_PRIVATE_UPSTREAMS,
      },
      cors: config.ENABLE_CORS
        ? {
            allowedOrigins: config.ALLOWED_ORIGINS,
            allowedMethods: config.ALLOWED_METHODS,
            allowedHeaders: config.ALLOWED_HEADERS,
            allowCredentials: config.ALLOW_CREDENTIALS,
          }
        : null,
      keyTable: table.handles,
      counters: seat.counters,
      openRequests,
      maxConcurrentRequests: config.MAX_CONCURRENT_REQUESTS,
      maxReplayBytes: config.MAX_REPLAY_BYTES,
      extraCaPem: config.UPSTREAM_CA,
      controlSocketPath: options.controlSocketPath,
    }
  }

  function describe(): EdgeReport {
    const { acknowledged, inFlight, dropped, served } = shipper.counts
    return {
      edge: options.name,
      instance,
      version: options.version,
      started_at: startedAtMs,
      ...inForce,
      state_hash: formatStateHash(table.stateHash()),
      clock_skew_ms: Math.round(applier.clockSkewMs),
      ready: isReady && !isDraining,
      draining: isDraining,
      workers: pool.running,
      in_flight: pool.counters().in_flight,
      keys: table.stats().keys,
      feed_connected: sync.isFeedConnected,
      log: { served, acknowledged, in_flight: inFlight, spooled: 0, dropped },
      outbox_pending: outbox.pending,
      worker_deaths: pool.deaths,
    }
  }

  const { snapshotStore } = options
  const lastGood =
    snapshotStore === null
      ? null
      : createLastGoodSnapshot({
          store: snapshotStore,
          api,
          edgeTokens,
          clock,
          logger,
          maxAgeMs: options.maxSnapshotAgeMs,
        })
  registerEdgeHealth({
    health,
    clock,
    position: () => inForce,
    answeredAtMs: () => api.answeredAtMs,
    maxSnapshotAgeMs: options.maxSnapshotAgeMs,
    runningWorkers: () => pool.running,
    wantedWorkers: options.workers,
    isFeedConnected: () => sync.isFeedConnected,
    isLogStreamConnected: () => options.logProducer.isConnected(),
    log: () => shipper.counts,
    outboxPending: () => outbox.pending,
  })
  registerEdgeMetrics({
    metrics: options.metrics,
    pool,
    table,
    sync,
    outbox,
    shipper,
    storedRevision: () => lastGood?.storedRevision ?? 0,
  })

  let reporter: ReturnType<typeof startReporter> | undefined
  table.start()
  const stored = await lastGood?.restore(applier).catch((error: unknown) => {
    logger.error({ err: error }, 'the last good snapshot cannot be used')
    return null
  })
  if (stored) sync.resumeAt(stored)
  if (!(await sync.tryFirst(firstPullTimeoutMs)))
    logger.warn({ revision: sync.position.revision }, 'the control plane does not answer yet')
  const { port } = await pool.start()
  sync.start()
  lastGood?.follow(() => sync.position)
  reporter = startReporter({ api, describe, clock })

  async function close(): Promise<void> {
    await drainEdge({
      delayMs: options.drainDelayMs,
      gracefulTimeoutMs: config.SERVER_GRACEFUL_SHUTDOWN_TIMEOUT,
      startDraining() {
        isDraining = true
        health.startDraining()
        reporter?.trigger()
      },
      tellWorkers: (message) => pool.broadcast(message),
      stopAccepting: () => pool.stopAccepting(),
      openRequests: () => pool.counters().in_flight,
      lastRequestAtMs: () => pool.counters().last_request_at_ms,
      closeWorkers: () => pool.close(),
      flush: async (timeoutMs) => void (await Promise.all([shipper.flush(timeoutMs), outbox.flush(timeoutMs)])),
      clock,
      logger,
    })
    await reporter?.close()
    await sync.close()
    await lastGood?.close()
    await outbox.close()
    await shipper.close()
    table.close()
  }

  return { port, instance, position: () => inForce, close }
}
