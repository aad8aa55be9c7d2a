import { proxyErrors } from '@gpt-load/contracts/proxy-errors'
import { sendLocalAnswer } from './answer/send-local-answer.ts'
import { connectionNames, isConnectionHeader } from './headers/header-roles.ts'
import { removeHeader } from './headers/raw-headers.ts'
import type { DownstreamExchange, DownstreamReceiver } from './wire/downstream-exchange.ts'
import type {
  UpstreamExchange,
  UpstreamOrigin,
  UpstreamReceiver,
  UpstreamRequest,
  UpstreamWire,
} from './wire/upstream-exchange.ts'

/**
 * Standalone has one public port: what is not the proxy's goes to the control plane's server over its Unix socket, streamed
 * both ways. Nothing is rewritten but the connection's own headers; the caller's address and whether it came by TLS are named
 * in headers that only we can set on that socket.
 */
export const clientAddressHeader = 'x-gptload-client-address'
const clientSchemeHeader = 'x-gptload-client-scheme'
const ownHeaders: ReadonlySet<string> = new Set([clientAddressHeader, clientSchemeHeader])

/** The server behind keeps idle connections for longer (create-standalone), so that it is us who close. */
const idleTimeoutMs = 4_000
const maxIdle = 32
const connectTimeoutMs = 2_000

export function controlOrigin(socketPath: string): UpstreamOrigin {
  return {
    key: 'control-plane',
    protocol: 'http:',
    hostname: 'localhost',
    port: 80,
    socketPath,
    proxyUrl: '',
    connectTimeoutMs,
    idleTimeoutMs,
    maxIdle,
    allowPrivateAddresses: true,
  }
}

/** The caller's side: takes the request in and hands it on. */
export class PassThrough implements DownstreamReceiver {
  readonly #exchange: DownstreamExchange
  readonly #answer: PassedAnswer
  #upstream: UpstreamExchange | null = null

  constructor(exchange: DownstreamExchange) {
    this.#exchange = exchange
    this.#answer = new PassedAnswer(exchange)
  }

  begin(wire: UpstreamWire, origin: UpstreamOrigin): void {
    this.#upstream = wire.open(toRequest(this.#exchange, origin), this.#answer)
    this.#answer.upstream = this.#upstream
    if (this.#exchange.contentLength !== 0) this.#exchange.resume()
  }

  onData(chunk: Uint8Array): void {
    if (!this.#upstream!.write(chunk)) this.#exchange.pause()
  }

  onEnd(rawTrailers: readonly string[]): void {
    this.#upstream!.end(rawTrailers)
  }

  onDrain(): void {
    this.#upstream!.resume()
  }

  onAbort(): void {
    this.#answer.isOver = true
    this.#upstream!.abort()
  }

  onFinish(): void {
    if (this.#answer.isOver) return
    this.#answer.isOver = true
    this.#upstream!.abort()
  }
}

/** The control plane's side: its answer, as it comes. */
class PassedAnswer implements UpstreamReceiver {
  readonly #exchange: DownstreamExchange
  #hasHead = false
  isOver = false
  upstream: UpstreamExchange | null = null

  constructor(exchange: DownstreamExchange) {
    this.#exchange = exchange
  }

  onConnect(): void {}
  onInformational(): void {}

  onHead(status: number, reason: string, rawHeaders: readonly string[]): void {
    this.#hasHead = true
    this.#exchange.writeHead(status, reason, endToEnd(rawHeaders))
  }

  onData(chunk: Uint8Array): void {
    if (!this.#exchange.write(chunk)) this.upstream?.pause()
  }

  onEnd(rawTrailers: readonly string[]): void {
    this.isOver = true
    this.#exchange.end(rawTrailers)
  }

  onDrain(): void {
    this.#exchange.resume()
  }

  onUpgrade(): void {
    this.onError()
  }

  onError(): void {
    if (this.isOver) return
    this.isOver = true
    if (this.#hasHead) return this.#exchange.abort()
    const { code, message } = unavailable
    sendLocalAnswer(this.#exchange, { status: proxyErrors.NOT_READY.status, body: { code, message } })
  }
}

const unavailable = { code: 'UNAVAILABLE', message: 'The control plane does not answer. Try again shortly.' }

function toRequest(exchange: DownstreamExchange, origin: UpstreamOrigin): UpstreamRequest {
  const { method, target, rawHeaders, contentLength, remoteAddress } = exchange
  const headers = endToEnd(rawHeaders)
  removeHeader(headers, 'content-length')
  headers.push(clientAddressHeader, remoteAddress, clientSchemeHeader, exchange.isEncrypted ? 'https' : 'http')
  return { origin, method, target, rawHeaders: headers, body: null, contentLength, isUpgrade: false, mayResend: true }
}

/** Content-Length of an answer stays (it is trusted); a request's is stated anew by the wire. */
function endToEnd(raw: readonly string[]): string[] {
  const named = connectionNames(raw)
  const headers: string[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase()
    if (isConnectionHeader(name) || ownHeaders.has(name) || named?.includes(name)) continue
    headers.push(raw[index]!, raw[index + 1]!)
  }
  return headers
}
