import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { HttpDate } from '@gpt-load/http1/http-date'
import { defaultRequestHeadBounds, type RequestHeadBounds } from '@gpt-load/http1/request-head-parser'
import type { ClientTls, DownstreamLimits, DownstreamServer, RequestHandler } from './downstream-exchange.ts'
import { Http1Connection } from './http1-connection.ts'
import { WriteBatch } from './write-batch.ts'

/**
 * Downstream wire over our own codec (packages/http1): one Http1Connection per socket, one Http1Exchange per request. Connections
 * are nodes of a ring that one interval walks for all timeouts, so that a request arms no timer.
 */
const tlsDefaults = { minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] } as const
/** What may wait for a slow client before the upstream is paused: more than one read, so that each write need not pause it. */
const maxUnsentBytes = 327_680
const longestSweepMs = 500
const shortestSweepMs = 10

export class Http1Downstream implements DownstreamServer {
  readonly limits: DownstreamLimits
  readonly headBounds: RequestHeadBounds
  readonly handler: RequestHandler
  readonly date = new HttpDate()
  readonly batch = new WriteBatch()
  readonly #server: Server
  readonly #connections: Http1Connection
  readonly #sweeper: NodeJS.Timeout
  #count = 0
  #isDraining = false

  /** @param tls null = plain connections */
  constructor(limits: DownstreamLimits, handler: RequestHandler, tls: ClientTls | null = null) {
    this.limits = limits
    this.headBounds = { ...defaultRequestHeadBounds, maxHeadBytes: limits.maxHeadBytes }
    this.#connections = Http1Connection.createRing(this)
    this.handler = handler
    // Half open: whether a client's FIN ends an exchange is ours to decide (WIRE.md 4).
    const options = { noDelay: true, allowHalfOpen: true, highWaterMark: maxUnsentBytes }
    const accept = (socket: Socket): void => this.#accept(socket)
    this.#server =
      tls === null
        ? createServer(options, accept)
        : createTlsServer({ ...options, ...tls, ...tlsDefaults, handshakeTimeout: limits.headTimeoutMs }, accept)
    if (limits.maxConnections > 0) this.#server.maxConnections = limits.maxConnections
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs(limits)).unref()
  }

  get openConnections(): number {
    return this.#count
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  listen(options: { host: string; port: number; reusePort: boolean }): Promise<{ port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(options, () => {
        this.#server.off('error', reject)
        const address = this.#server.address()
        resolve({ port: typeof address === 'object' && address !== null ? address.port : options.port })
      })
    })
  }

  setTls(tls: ClientTls): void {
    ;(this.#server as TlsServer).setSecureContext({ ...tls, ...tlsDefaults })
  }

  startDraining(): void {
    this.#isDraining = true
  }

  closeIdle(): void {
    this.#forEach((connection) => connection.closeIfIdle())
  }

  stopAccepting(): Promise<void> {
    this.#server.close()
    return Promise.resolve()
  }

  close(): Promise<void> {
    clearInterval(this.#sweeper)
    return new Promise((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve())
      else if (this.#count === 0) resolve()
      else this.#server.once('close', () => resolve())
      this.#forEach((connection) => connection.destroy())
    })
  }

  onConnectionClosed(): void {
    this.#count -= 1
  }

  #accept(socket: Socket): void {
    this.#count += 1
    new Http1Connection(this, socket).open(this.#connections)
  }

  #sweep(): void {
    const now = performance.now()
    this.#forEach((connection) => connection.checkTimeouts(now))
  }

  #forEach(visit: (connection: Http1Connection) => void): void {
    for (let connection = this.#connections.next; connection !== this.#connections;) {
      const { next } = connection
      visit(connection)
      connection = next
    }
  }
}

/** A timeout is noticed at most a quarter late. */
function sweepIntervalMs(limits: DownstreamLimits): number {
  const { headTimeoutMs, bodyStallTimeoutMs, keepAliveTimeoutMs, writeStallTimeoutMs } = limits
  const shortest = Math.min(headTimeoutMs, bodyStallTimeoutMs, keepAliveTimeoutMs, writeStallTimeoutMs)
  return Math.max(shortestSweepMs, Math.min(longestSweepMs, Math.ceil(shortest / 4)))
}
