import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from '@gpt-load/service-kit/node-http'
import type { Socket } from 'node:net'
import { isHeaderName } from '@gpt-load/channels/header-value'
import type { ClientTls, DownstreamLimits, DownstreamServer, RequestHandler } from './downstream-exchange.ts'
import { NodeHttpExchange } from './node-http-exchange.ts'
import { refuseBadHead, refuseMalformed } from './refuse-malformed.ts'
import { startTurn } from '../turn-clock.ts'

/**
 * Downstream wire over node:http, the reference adapter. Strict parsing; what node:http leaves out is added here: one Host
 * only, origin-form targets only, stall limits for bodies both ways. Node's own `requestTimeout` is off, since it would cut
 * long uploads that make progress.
 */
const sweepIntervalMs = 500

export class NodeHttpDownstream implements DownstreamServer {
  readonly #server: Server | TlsServer
  readonly #handler: RequestHandler
  readonly #limits: DownstreamLimits
  readonly #open = NodeHttpExchange.createRing()
  readonly #sweeper: NodeJS.Timeout
  #connections = 0
  #isDraining = false

  /** @param tls null = plain connections */
  constructor(limits: DownstreamLimits, handler: RequestHandler, tls: ClientTls | null = null) {
    this.#handler = handler
    this.#limits = limits
    const options = {
      insecureHTTPParser: false,
      requireHostHeader: true,
      maxHeaderSize: limits.maxHeadBytes,
      headersTimeout: limits.headTimeoutMs,
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.max(10, Math.min(1_000, Math.ceil(limits.headTimeoutMs / 4))),
      noDelay: true,
    }
    this.#server = tls === null ? createServer(options) : createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' })
    this.#server.maxHeadersCount = 0
    if (limits.maxConnections > 0) this.#server.maxConnections = limits.maxConnections
    this.#server.on('request', (request, response) => this.#accept(request, response, false))
    this.#server.on('checkContinue', (request, response) => this.#accept(request, response, true))
    this.#server.on('connect', (_request, socket: Socket) => refuseMalformed(socket, 400))
    this.#server.on('clientError', refuseBadHead)
    this.#server.on(tls === null ? 'connection' : 'secureConnection', (socket: Socket) => this.#count(socket))
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs).unref()
  }

  get openConnections(): number {
    return this.#connections
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
    ;(this.#server as TlsServer).setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
  }

  startDraining(): void {
    this.#isDraining = true
    for (let exchange = this.#open.next; exchange !== this.#open; exchange = exchange.next) exchange.closeAfterAnswer()
  }

  closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  stopAccepting(): Promise<void> {
    this.#server.close()
    return Promise.resolve()
  }

  close(): Promise<void> {
    clearInterval(this.#sweeper)
    return new Promise((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve())
      else if (this.#connections === 0) resolve()
      else this.#server.once('close', () => resolve())
      this.#server.closeAllConnections()
    })
  }

  #accept(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    startTurn()
    if (!isWellFormed(request)) return refuse(request, response)
    const exchange = new NodeHttpExchange(request, response, expectsContinue)
    if (this.#isDraining) exchange.closeAfterAnswer()
    exchange.linkTo(this.#open)
    exchange.attach(this.#handler(exchange))
  }

  #count(socket: Socket): void {
    this.#connections += 1
    socket.once('close', () => (this.#connections -= 1))
  }

  #sweep(): void {
    const now = performance.now()
    for (let exchange = this.#open.next; exchange !== this.#open;) {
      const { next } = exchange
      exchange.checkStall(now, this.#limits)
      exchange = next
    }
  }
}

/** Pipelined behind an answer that is not over, a refusal would come in the middle of that one. */
function refuse({ socket }: IncomingMessage, response: ServerResponse): void {
  if (response.socket === null) socket.destroy()
  else refuseMalformed(socket, 400)
}

/**
 * RFC 9112 3.2 and 6.1: exactly one Host; no other transfer coding than one `chunked`, and none in HTTP/1.0; a proxy target
 * in absolute form is not ours.
 */
function isWellFormed({ url = '', httpVersion, rawHeaders }: IncomingMessage): boolean {
  if (!url.startsWith('/') && url !== '*') return false
  let hosts = 0
  let codings = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (isHeaderName(name, 'host')) hosts += 1
    else if (isHeaderName(name, 'transfer-encoding')) {
      codings += 1
      if (rawHeaders[index + 1]!.toLowerCase() !== 'chunked') return false
    }
  }
  if (httpVersion === '1.0') return hosts <= 1 && codings === 0
  return hosts === 1 && codings <= 1
}
