import { corsOptionsOf } from '@gpt-load/service-kit/cors-variables'
import type { RequestPathConfig } from './config.ts'
import type { KeyTableHandles } from './data-plane/key-table/shared-columns.ts'
import type { PolicyStoreOptions } from './data-plane/plan/policy-store.ts'
import type { ClientTls } from './data-plane/wire/downstream-exchange.ts'
import type { WorkerOptions } from './data-plane/worker-options.ts'
import type { WorkerSeat } from './worker-pool.ts'

/** What each worker of this edge is given: the configuration as plain data, and the memory that all of them share. */
export type WorkerDataOptions = {
  config: RequestPathConfig
  name: string
  instance: string
  host: string
  keyTable: KeyTableHandles
  upstreamHealth: SharedArrayBuffer
  openRequests: SharedArrayBuffer
  callerMemory: SharedArrayBuffer
  controlSocketPath: string
  /** The pair of this moment. */
  clientTls(): ClientTls | null
}

const maxHeadBytes = 65_536
/** Per worker: far more than the streams that 1 GiB could hold; a flood of idle connections ends here. */
const maxConnections = 32_768

export function createWorkerData(options: WorkerDataOptions): (seat: WorkerSeat) => WorkerOptions {
  const { config } = options
  return (seat) => ({
    edge: options.name,
    instance: options.instance,
    seat: seat.number,
    listen: { host: options.host, port: seat.port, reusePort: seat.isReusePort },
    wire: config.WIRE,
    tls: options.clientTls(),
    limits: {
      headTimeoutMs: config.SERVER_READ_TIMEOUT,
      bodyStallTimeoutMs: config.SERVER_READ_TIMEOUT,
      keepAliveTimeoutMs: config.SERVER_IDLE_TIMEOUT,
      writeStallTimeoutMs: config.SERVER_WRITE_TIMEOUT,
      maxHeadBytes,
      maxConnections,
    },
    policies: policyOptionsOf(config),
    cors: corsOptionsOf(config),
    trustedProxies: config.TRUSTED_PROXIES,
    keyTable: options.keyTable,
    upstreamHealth: options.upstreamHealth,
    counters: seat.counters,
    openRequests: options.openRequests,
    ownRequests: seat.ownRequests,
    callerMemory: options.callerMemory,
    maxLoopLagMs: config.MAX_LOOP_LAG_MS,
    maxConcurrentRequests: config.MAX_CONCURRENT_REQUESTS,
    maxReplayBytes: config.MAX_REPLAY_BYTES,
    extraCaPem: config.UPSTREAM_CA,
    controlSocketPath: options.controlSocketPath,
  })
}

/** What plans are compiled with beside the snapshot. */
export function policyOptionsOf(config: RequestPathConfig): PolicyStoreOptions {
  return {
    proxyEnvironment: { httpProxy: config.HTTP_PROXY, httpsProxy: config.HTTPS_PROXY, noProxy: config.NO_PROXY },
    allowPrivateAddresses: config.ALLOW_PRIVATE_UPSTREAMS,
  }
}
