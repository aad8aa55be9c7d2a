import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { startTurn, turnMs } from '../turn-clock.ts'
import type { ConnectError } from './connect/connect-error.ts'
import { codeOf } from './connect/connect-error.ts'
import type { ConnectReceiver, PendingConnection } from './connect/connect-upstream.ts'
import { basicCredentials, parseOutboundProxy } from './connect/outbound-proxy.ts'
import { RequestBodyStream } from './request-body-stream.ts'
import { PooledConnection, type UndiciOriginPool } from './undici-origin-pool.ts'
import {
  reusedBodyBytes,
  type UpstreamErrorKind,
  type UpstreamExchange,
  type UpstreamReceiver,
  type UpstreamRequest,
} from './upstream-exchange.ts'

/**
 * One attempt over undici: connects or reuses, dispatches, maps undici's callbacks to the port. The object is undici's
 * handler itself, so an attempt costs no closures.
 */

/** A reset on a reused connection within this long is the reuse race (WIRE.md 5); later the upstream had begun to work. */
const reuseRaceMs = 1_000

export class UndiciExchange implements UpstreamExchange, ConnectReceiver {
  readonly #pool: UndiciOriginPool
  readonly #request: UpstreamRequest
  readonly #receiver: UpstreamReceiver
  #pending: PendingConnection | null = null
  #connection: PooledConnection | null = null
  #controller: Dispatcher.DispatchController | null = null
  #body: RequestBodyStream | null = null
  #isOver = false
  #isReused = false
  #hasResent = false
  /** The first byte of an answer has come. */
  #hasAnswer = false
  #hasHead = false
  #isPaused = false
  #startedMs = 0

  constructor(pool: UndiciOriginPool, request: UpstreamRequest, receiver: UpstreamReceiver) {
    this.#pool = pool
    this.#request = request
    this.#receiver = receiver
    if (request.body === null && request.contentLength !== 0) this.#body = new RequestBodyStream(receiver)
  }

  start(): void {
    const connection = this.#request.mayResend ? this.#pool.take() : null
    this.#isReused = connection !== null
    if (connection === null) this.#pending = this.#pool.connect(this)
    else this.#dispatch(connection)
  }

  write(chunk: Uint8Array): boolean {
    return this.#isOver || this.#body === null ? true : this.#body.write(Buffer.from(chunk))
  }

  /** Trailers of a request cannot be sent by undici. */
  end(): void {
    if (!this.#isOver) this.#body?.end()
  }

  pause(): void {
    this.#isPaused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#controller?.resume()
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#pending?.cancel()
    this.#release()
  }

  onSocket(socket: Socket): void {
    startTurn()
    this.#pending = null
    this.#dispatch(this.#pool.adopt(socket))
  }

  onConnectError(error: ConnectError): void {
    startTurn()
    this.#fail(error.kind, error.code, !this.#hasResent)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    startTurn()
    this.#controller = controller
    this.#startedMs = turnMs()
    if (this.#isPaused) controller.pause()
    this.#body?.onSending()
    if (!this.#isOver) this.#receiver.onConnect(this.#isReused)
  }

  onResponseStarted(): void {
    this.#hasAnswer = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason = ''): void {
    if (this.#isOver) return
    startTurn()
    const rawHeaders = toPairs(controller.rawHeaders)
    if (status < 200) this.#receiver.onInformational(status, rawHeaders)
    else {
      this.#hasHead = true
      this.#receiver.onHead(status, reason, rawHeaders)
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    startTurn()
    if (!this.#isOver) this.#receiver.onData(chunk, 0)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return
    startTurn()
    const connection = this.#connection!
    // undici takes a reset of an answer that ends with the connection for its end.
    if (connection.hasFailed) return this.#fail('reset', 'ECONNRESET', false)
    this.#isOver = true
    this.#connection = null
    this.#body?.destroy()
    this.#pool.giveBack(connection)
    this.#receiver.onEnd(toPairs(controller.rawTrailers))
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#isOver) return
    startTurn()
    const code = error.name === parserError ? codeOfParserError(error) : codeOf(error)
    const kind = this.#hasHead || code !== lengthMismatch ? kindOf(code) : 'protocol'
    const isUnsent = this.#controller === null
    if (this.#isReuseRace(kind, isUnsent)) this.#resend()
    else this.#fail(kind, code, isUnsent)
  }

  #dispatch(connection: PooledConnection): void {
    this.#connection = connection
    connection.client.dispatch(this.#dispatchOptions(), this)
  }

  #dispatchOptions(): Dispatcher.DispatchOptions {
    const { method, target, rawHeaders, contentLength } = this.#request
    const body = ownBody(this.#request)
    const headers = [...rawHeaders]
    // undici would state the length of a buffer; a request that came chunked goes on chunked.
    if (body !== null && contentLength === -1) this.#body = RequestBodyStream.ofChunked(this.#receiver, body)
    else if (body === null && contentLength > 0) headers.push('Content-Length', String(contentLength))
    return {
      path: this.#absoluteTarget(target, headers),
      method: method as Dispatcher.HttpMethod,
      headers,
      body: this.#body ?? body,
    }
  }

  /** Plain HTTP through an HTTP proxy: absolute form and the proxy's credentials (RFC 9112 3.2.2). */
  #absoluteTarget(target: string, headers: string[]): string {
    const { origin } = this.#request
    if (origin.proxyUrl === '' || origin.protocol === 'https:') return target
    const proxy = parseOutboundProxy(origin.proxyUrl)
    if (proxy === null || proxy.protocol === 'socks5:') return target
    const credentials = basicCredentials(proxy)
    if (credentials !== '') headers.push('Proxy-Authorization', credentials)
    return `http://${origin.hostname}:${origin.port}${target}`
  }

  #isReuseRace(kind: UpstreamErrorKind, isUnsent: boolean): boolean {
    if (!this.#isReused || this.#hasResent || this.#hasAnswer || kind !== 'reset') return false
    const isAtHand = this.#request.body !== null || this.#request.contentLength === 0
    return isAtHand && (isUnsent || turnMs() - this.#startedMs < reuseRaceMs)
  }

  #resend(): void {
    this.#hasResent = true
    this.#isReused = false
    this.#controller = null
    this.#release()
    this.#body = null
    this.#pending = this.#pool.connect(this)
  }

  #fail(kind: UpstreamErrorKind, code: string, isUnsent: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#release()
    this.#receiver.onError({ kind, code, isUnsent })
  }

  #release(): void {
    this.#body?.destroy()
    this.#connection?.destroy()
    this.#connection = null
    this.#pending = null
  }
}

/** undici writes from it, perhaps still when the answer has come. */
function ownBody({ body }: UpstreamRequest): Buffer | null {
  return body === null || body.length > reusedBodyBytes ? (body as Buffer | null) : Buffer.from(body)
}

const parserError = 'HTTPParserError'
/** Of a body that is too short, or of a head that contradicts itself. */
const lengthMismatch = 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'

/** undici names the code of its parser's errors in their text only. */
function codeOfParserError({ message }: Error): string {
  return message.includes('EOF') ? 'HPE_INVALID_EOF_STATE' : 'HPE_INVALID'
}

function kindOf(code: string): UpstreamErrorKind {
  if (code === 'HPE_INVALID_EOF_STATE' || code === 'HPE_CLOSED_CONNECTION') return 'reset'
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') return 'protocol'
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return 'protocol'
  if (code === 'ETIMEDOUT') return 'connect_timeout'
  return resetCodes.has(code) ? 'reset' : 'other'
}

const resetCodes: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'UND_ERR_SOCKET',
  'UND_ERR_INFO',
  lengthMismatch,
  'CONNECTION_GONE',
])

type RawPairs = Buffer[] | string[] | object | null | undefined

function toPairs(raw: RawPairs): string[] {
  if (!Array.isArray(raw)) return []
  const pairs: string[] = []
  for (const part of raw) pairs.push(typeof part === 'string' ? part : (part as Buffer).toString('latin1'))
  return pairs
}
