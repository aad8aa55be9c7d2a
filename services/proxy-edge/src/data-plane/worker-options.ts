import type { KeyTableHandles } from './key-table/shared-columns.ts'
import type { PolicyStoreOptions } from './plan/policy-store.ts'
import type { CorsOptions } from '@gpt-load/service-kit/cors-variables'
import type { WireName } from './wire/create-wires.ts'
import type { ClientTls, DownstreamLimits } from './wire/downstream-exchange.ts'

/**
 * What a worker thread is given at its start, as plain data. Everything that changes later comes by message (policies) or
 * through shared memory (keys, counters).
 */
export type WorkerOptions = {
  /** Names in causes and log batches. */
  edge: string
  instance: string
  /** Unique in the process, never given twice: owner of locks, part of the log source. */
  seat: number
  listen: { host: string; port: number; reusePort: boolean }
  wire: WireName
  /** null = plain connections. */
  tls: ClientTls | null
  limits: DownstreamLimits
  policies: PolicyStoreOptions
  cors: CorsOptions | null
  /** Addresses and ranges whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[]
  keyTable: KeyTableHandles
  /** Of all workers (upstream-health.ts). */
  upstreamHealth: SharedArrayBuffer
  counters: SharedArrayBuffer
  /** Requests under way in all workers, and how many there may be; 0 = no limit. */
  openRequests: SharedArrayBuffer
  /** Those of this worker alone. */
  ownRequests: SharedArrayBuffer
  maxConcurrentRequests: number
  /** Of all workers (caller-limits/caller-memory.ts). */
  callerMemory: SharedArrayBuffer
  /** How late the event loop may be before new requests are refused, ms; 0 = however late. */
  maxLoopLagMs: number
  maxReplayBytes: number
  /** PEM of further certificate authorities for upstreams; '' = none. */
  extraCaPem: string
  /** Unix socket of the control plane's server; '' = this edge has none beside it. */
  controlSocketPath: string
}
