/**
 * Counters of one worker in shared memory: the worker adds, the main thread reads for /metrics. One writer per buffer and
 * aligned doubles, so neither side needs Atomics. The index of a name is its place in `counterNames`; append only.
 */
export const durationBucketsMs = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000,
] as const

export const counterNames = [
  'requests',
  'in_flight',
  'last_request_at_ms',
  'status_1xx',
  'status_2xx',
  'status_3xx',
  'status_4xx',
  'status_5xx',
  'attempts',
  'retries',
  'client_aborts',
  'upstream_aborts',
  'timeouts',
  'refused',
  'passed_through',
  'bytes_in',
  'bytes_out',
  'upstream_connects',
  'upstream_reuses',
  'upstream_error_dns',
  'upstream_error_refused',
  'upstream_error_connect_timeout',
  'upstream_error_tls',
  'upstream_error_reset',
  'upstream_error_protocol',
  'upstream_error_address_refused',
  'upstream_error_proxy',
  'upstream_error_aborted',
  'upstream_error_other',
  'failed_client',
  'failed_key_auth',
  'failed_key_quota',
  'failed_rate_limit',
  'failed_upstream',
  'failed_network',
  'replay_bytes',
  'replay_refused',
  'duration_sum_ms',
  'duration_count',
  ...durationBucketsMs.map((limit) => `duration_le_${limit}` as const),
  'key_waits',
  'key_waits_served',
  'content_refused',
  'upstream_checks',
  'upstream_checks_failed',
  'body_memory_bytes',
  'caller_limited',
] as const
export type CounterName = (typeof counterNames)[number]

export const counterBytes = counterNames.length * Float64Array.BYTES_PER_ELEMENT

const indexOf = Object.fromEntries(counterNames.map((name, index) => [name, index])) as Record<CounterName, number>
const firstBucket = indexOf[`duration_le_${durationBucketsMs[0]}`]
const firstStatus = indexOf.status_1xx

export class RequestCounters {
  readonly #values: Float64Array

  constructor(buffer: SharedArrayBuffer) {
    this.#values = new Float64Array(buffer, 0, counterNames.length)
  }

  add(name: CounterName, amount: number): void {
    this.#values[indexOf[name]]! += amount
  }

  set(name: CounterName, value: number): void {
    this.#values[indexOf[name]] = value
  }

  get(name: CounterName): number {
    return this.#values[indexOf[name]]!
  }

  addStatus(status: number): void {
    const family = Math.trunc(status / 100)
    if (family >= 1 && family <= 5) this.#values[firstStatus + family - 1]! += 1
  }

  /** Buckets are cumulative, as Prometheus wants them. */
  addDuration(durationMs: number): void {
    this.#values[indexOf.duration_sum_ms]! += durationMs
    this.#values[indexOf.duration_count]! += 1
    for (let bucket = durationBucketsMs.length - 1; bucket >= 0; bucket -= 1) {
      if (durationMs > durationBucketsMs[bucket]!) return
      this.#values[firstBucket + bucket]! += 1
    }
  }
}

export function createCounterBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(counterBytes)
}

/** For the main thread: all counters of all workers, summed by name. */
export function sumCounters(buffers: readonly SharedArrayBuffer[]): Record<CounterName, number> {
  const sums = Object.fromEntries(counterNames.map((name) => [name, 0])) as Record<CounterName, number>
  for (const buffer of buffers) {
    const values = new Float64Array(buffer)
    for (const [index, name] of counterNames.entries()) {
      if (name === 'last_request_at_ms') sums[name] = Math.max(sums[name], values[index]!)
      else sums[name] += values[index]!
    }
  }
  return sums
}
