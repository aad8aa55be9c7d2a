import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { UndiciExchange } from './undici-exchange.ts'
import { UndiciOriginPool } from './undici-origin-pool.ts'
import type { UpstreamExchange, UpstreamReceiver, UpstreamRequest, UpstreamWire } from './upstream-exchange.ts'

/**
 * Upstream wire over undici, the reference adapter. One undici Client per connection and our own pool around it: a Pool's
 * `connections: N` would cap concurrent streams at N (WIRE.md), and connecting ourselves keeps abort, address guard and
 * outbound proxies in one place (connect/). Known limits of the library: an upstream's `100 Continue` is an error, request
 * trailers cannot be sent, reason phrases outside ASCII are damaged.
 */
export type UndiciUpstreamOptions = {
  /** PEM of further certificate authorities, beside the system's; '' = none. */
  extraCaPem: string
}

export class UndiciUpstream implements UpstreamWire {
  readonly #pools = new Map<string, UndiciOriginPool>()
  readonly #secureContext: SecureContext

  constructor(options: UndiciUpstreamOptions) {
    const extra = options.extraCaPem === '' ? [] : [options.extraCaPem]
    this.#secureContext = createSecureContext({ ca: [...getCACertificates('default'), ...extra] })
  }

  open(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamExchange {
    const exchange = new UndiciExchange(this.#poolOf(request), request, receiver)
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
    for (const pool of this.#pools.values()) pool.close()
    this.#pools.clear()
    await Promise.resolve()
  }

  #poolOf(request: UpstreamRequest): UndiciOriginPool {
    const { origin } = request
    let pool = this.#pools.get(origin.key)
    if (pool === undefined) {
      pool = new UndiciOriginPool(origin, this.#secureContext)
      this.#pools.set(origin.key, pool)
    }
    return pool
  }
}
