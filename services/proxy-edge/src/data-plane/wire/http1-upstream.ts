import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { Http1OriginPool } from './http1-origin-pool.ts'
import { Http1UpstreamExchange } from './http1-upstream-exchange.ts'
import type { UpstreamExchange, UpstreamReceiver, UpstreamRequest, UpstreamWire } from './upstream-exchange.ts'
import { WriteBatch } from './write-batch.ts'

/**
 * Upstream wire over our own codec (packages/http1): one Http1UpstreamConnection per socket, pooled by origin; one
 * Http1UpstreamExchange per attempt. Connecting, TLS, outbound proxies and the address guard are in connect/.
 */
export type Http1UpstreamOptions = {
  /** PEM of further certificate authorities, beside the system's; '' = none. */
  extraCaPem: string
}

/** Idle connections are looked at this often; a connection is closed up to that much later than it should. */
const sweepIntervalMs = 500

export class Http1Upstream implements UpstreamWire {
  readonly #pools = new Map<string, Http1OriginPool>()
  readonly #batch = new WriteBatch()
  readonly #secureContext: SecureContext
  readonly #sweeper: NodeJS.Timeout

  constructor(options: Http1UpstreamOptions) {
    const extra = options.extraCaPem === '' ? [] : [options.extraCaPem]
    this.#secureContext = createSecureContext({ ca: [...getCACertificates('default'), ...extra] })
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs).unref()
  }

  open(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamExchange {
    const exchange = new Http1UpstreamExchange(this.#poolOf(request), request, receiver)
    exchange.start()
    return exchange
  }

  retain(originKeys: ReadonlySet<string>): void {
    for (const [key, pool] of this.#pools) {
      if (originKeys.has(key)) continue
      pool.close()
      this.#pools.delete(key)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const pool of this.#pools.values()) pool.close()
    this.#pools.clear()
    await Promise.resolve()
  }

  #sweep(): void {
    const now = performance.now()
    for (const pool of this.#pools.values()) pool.closeExpired(now)
  }

  #poolOf(request: UpstreamRequest): Http1OriginPool {
    const { origin } = request
    let pool = this.#pools.get(origin.key)
    if (pool === undefined) {
      pool = new Http1OriginPool(origin, this.#secureContext, this.#batch)
      this.#pools.set(origin.key, pool)
    }
    return pool
  }
}
