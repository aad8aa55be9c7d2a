import type { Socket } from 'node:net'
import { chunkBytes, chunkEnd, chunkHeadBytes, lastChunkBytes, requestBytes } from '@gpt-load/http1/head-writer'
import { startTurn, turnMs } from '../turn-clock.ts'
import type { ConnectError } from './connect/connect-error.ts'
import type { ConnectReceiver, PendingConnection } from './connect/connect-upstream.ts'
import type { SocketReads } from './connect/read-buffer.ts'
import { proxyHeaders, proxyTarget } from './connect/proxied-request.ts'
import type { Tunnel } from './downstream-exchange.ts'
import type { Http1OriginPool } from './http1-origin-pool.ts'
import { Http1UpstreamConnection } from './http1-upstream-connection.ts'
import { writePayloadBytes } from './large-writer.ts'
import {
  reusedBodyBytes,
  type UpstreamErrorKind,
  type UpstreamExchange,
  type UpstreamReceiver,
  type UpstreamRequest,
} from './upstream-exchange.ts'

/**
 * One attempt: takes an idle connection or opens one, writes the request, hears of the answer. A whole body goes out with the
 * head in one write; one in pieces sends its head with the first piece of the tick. A request that met the end of its idle
 * connection is sent once more on a fresh one, when nothing came back and its body is at hand (WIRE.md 5).
 */
/** A reset on a reused connection within this long is the reuse race; later the upstream had begun to work. */
const reuseRaceMs = 1_000
/** Pieces that may wait for a connection. */
const maxWaitingBytes = 65_536
/** Larger pieces are written beside their head or frame, not copied into one buffer with it. */
const maxCopiedBytes = 16_384
const noHeaders: readonly string[] = []

/** Takes the place of a request that is answered and never sent again: an answer may take minutes, its question is held for nothing. */
const spent: UpstreamRequest = {
  origin: {
    key: '',
    protocol: 'http:',
    hostname: '',
    port: 0,
    socketPath: '',
    proxyUrl: '',
    connectTimeoutMs: 0,
    idleTimeoutMs: 0,
    maxIdle: 0,
    allowPrivateAddresses: false,
  },
  method: '',
  target: '',
  rawHeaders: noHeaders,
  body: null,
  contentLength: 0,
  isUpgrade: false,
  mayResend: false,
}

export class Http1UpstreamExchange implements UpstreamExchange, ConnectReceiver {
  /** Anything of an answer has come. */
  hasAnswer = false
  /** The whole request was given to the connection. */
  isSent = false
  readonly #pool: Http1OriginPool
  #request: UpstreamRequest
  readonly #receiver: UpstreamReceiver
  #pending: PendingConnection | null = null
  #connection: Http1UpstreamConnection | null = null
  #isOver = false
  #isReused = false
  #hasResent = false
  #isPaused = false
  #isHeadPending = false
  /** Pieces that came before there was a connection. */
  #waiting: Uint8Array[] | null = null
  #waitingBytes = 0
  #trailers: readonly string[] | null = null
  #remaining = 0
  #startedMs = 0

  constructor(pool: Http1OriginPool, request: UpstreamRequest, receiver: UpstreamReceiver) {
    this.#pool = pool
    this.#request = request
    this.#receiver = receiver
    this.#remaining = request.contentLength === -1 ? Infinity : request.contentLength
  }

  get asksUpgrade(): boolean {
    return this.#request.isUpgrade
  }

  start(): void {
    const connection = this.#request.mayResend && !this.#request.isUpgrade ? this.#pool.take() : null
    this.#isReused = connection !== null
    if (connection === null) this.#connect()
    else this.#send(connection)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver || this.isSent || this.#request.body !== null || chunk.length === 0) return true
    if (chunk.length > this.#remaining) return this.#refuseBody()
    this.#remaining -= chunk.length
    return this.#connection === null ? this.#wait(chunk) : this.#writePiece(this.#connection, chunk)
  }

  end(rawTrailers: readonly string[] = []): void {
    if (this.#isOver || this.isSent || this.#request.body !== null) return
    if (this.#request.contentLength > 0 && this.#remaining > 0) return void this.#refuseBody()
    this.#trailers = rawTrailers
    if (this.#connection !== null) this.#writeEnd(this.#connection)
  }

  pause(): void {
    this.#isPaused = true
    this.#connection?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#connection?.resume()
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#release()
  }

  onSocket(socket: Socket, reads: SocketReads | null): void {
    startTurn()
    this.#pending = null
    this.#send(new Http1UpstreamConnection(this.#pool, socket, reads))
  }

  onConnectError(error: ConnectError): void {
    startTurn()
    this.#fail(error.kind, error.code, !this.#hasResent)
  }

  onInformational(status: number, rawHeaders: readonly string[]): void {
    if (!this.#isOver) this.#receiver.onInformational(status, rawHeaders)
  }

  onHead(status: number, reason: string, rawHeaders: readonly string[]): void {
    if (this.#isOver) return
    if (this.isSent) this.#request = spent
    this.#receiver.onHead(status, reason, rawHeaders)
  }

  onData(chunk: Uint8Array, behind: number): void {
    if (!this.#isOver) this.#receiver.onData(chunk, behind)
  }

  onEnd(rawTrailers: readonly string[]): void {
    this.#connection = null
    if (this.#isOver) return
    this.#isOver = true
    this.#receiver.onEnd(rawTrailers)
  }

  onDrain(): void {
    if (!this.#isOver) this.#receiver.onDrain()
  }

  onUpgrade(status: number, reason: string, rawHeaders: readonly string[], tunnel: Tunnel): void {
    this.#connection = null
    if (this.#isOver) return tunnel.abort()
    this.#isOver = true
    this.#receiver.onUpgrade(status, reason, rawHeaders, tunnel)
  }

  /** The connection is of no use any more. */
  onBroken(kind: UpstreamErrorKind, code: string): void {
    this.#connection = null
    if (this.#isOver) return
    if (kind === 'reset' && this.#isReuseRace()) this.#resend()
    else this.#fail(kind, code, false)
  }

  /** A head whose body has not begun goes by itself. */
  flushHead(): void {
    if (this.#isHeadPending && this.#connection !== null && !this.#isOver) this.#writeHead(this.#connection, null)
  }

  #connect(): void {
    this.#pending = this.#pool.connect(this, this.#request.isUpgrade)
  }

  #send(connection: Http1UpstreamConnection): void {
    const { method, body, contentLength } = this.#request
    this.#connection = connection
    this.#startedMs = turnMs()
    connection.begin(this, method)
    if (this.#isPaused) connection.pause()
    this.#receiver.onConnect(this.#isReused)
    if (this.#isOver) return
    if (body !== null || contentLength === 0) this.#writeWhole(connection, body)
    else this.#startPieces(connection)
  }

  #writeWhole(connection: Http1UpstreamConnection, body: Uint8Array | null): void {
    this.isSent = true
    const isChunked = this.#request.contentLength === -1
    if (body === null || (body.length <= maxCopiedBytes && !isChunked)) return void this.#writeHead(connection, body)
    if (body.length <= reusedBodyBytes && !isChunked) return this.#writeCopied(connection, body)
    const { socket } = connection
    socket.cork()
    this.#writeHead(connection, null)
    if (!this.#isOver) this.#writeBehindHead(connection, body)
    if (!this.#isOver && isChunked) connection.writeNow(lastChunkBytes())
    socket.uncork()
  }

  #writeCopied(connection: Http1UpstreamConnection, body: Uint8Array): void {
    const head = this.#headBytes(null)
    if (head !== null) connection.writeWhole(head, body)
  }

  #startPieces(connection: Http1UpstreamConnection): void {
    this.#isHeadPending = true
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting !== null) {
      let isFlowing = true
      for (const chunk of waiting) isFlowing = this.#writePiece(connection, chunk)
      if (this.#waitingBytes >= maxWaitingBytes && isFlowing) process.nextTick(reportDrain, this)
    }
    if (this.#trailers !== null) this.#writeEnd(connection)
    else if (this.#isHeadPending) connection.joinBatch()
  }

  #wait(chunk: Uint8Array): boolean {
    this.#waiting ??= []
    this.#waiting.push(Buffer.from(chunk))
    this.#waitingBytes += chunk.length
    return this.#waitingBytes < maxWaitingBytes
  }

  #writePiece(connection: Http1UpstreamConnection, chunk: Uint8Array): boolean {
    if (this.#isHeadPending && chunk.length <= maxCopiedBytes) return this.#writeHead(connection, chunk)
    if (this.#isHeadPending) this.#writeHead(connection, null)
    if (this.#isOver) return true
    const isChunk = this.#request.contentLength === -1
    if (chunk.length <= maxCopiedBytes) return connection.write(isChunk ? chunkBytes(chunk) : Buffer.from(chunk))
    let isFlowing = true
    for (let at = 0; at < chunk.length; at += writePayloadBytes)
      isFlowing = connection.writeLarge(chunk.subarray(at, at + writePayloadBytes), isChunk)
    return isFlowing
  }

  /** A large body stays as it is until the answer has come; others are copied. */
  #writeBehindHead(connection: Http1UpstreamConnection, body: Uint8Array): void {
    const isChunked = this.#request.contentLength === -1
    if (body.length <= reusedBodyBytes) return void connection.writeLarge(body, isChunked)
    if (!isChunked) return void connection.write(body)
    connection.write(chunkHeadBytes(body.length))
    connection.write(body)
    connection.writeNow(chunkEnd)
  }

  #writeEnd(connection: Http1UpstreamConnection): void {
    if (this.#isHeadPending) this.#writeHead(connection, null)
    if (this.#isOver) return
    this.isSent = true
    if (this.#request.contentLength === -1) connection.write(lastChunkBytes(this.#trailers!))
  }

  /** False = the client of this call has to wait, or the head could not be written, which ends the exchange. */
  #writeHead(connection: Http1UpstreamConnection, body: Uint8Array | null): boolean {
    const bytes = this.#headBytes(body)
    return bytes === null || connection.write(bytes)
  }

  /** Null: it cannot be written, which ends the exchange. */
  #headBytes(body: Uint8Array | null): Uint8Array | null {
    const { method, target, rawHeaders, contentLength, isUpgrade, origin } = this.#request
    this.#isHeadPending = false
    const extra = isUpgrade ? ['Connection', 'Upgrade', 'Upgrade', 'websocket'] : noHeaders
    try {
      if (extra === noHeaders && origin.proxyUrl === '')
        return requestBytes(method, target, rawHeaders, contentLength, body)
      const headers = [...rawHeaders, ...extra, ...proxyHeaders(this.#request)]
      return requestBytes(method, proxyTarget(this.#request), headers, contentLength, body)
    } catch {
      this.#fail('protocol', 'ERR_UNWRITABLE_HEAD', true)
      return null
    }
  }

  #isReuseRace(): boolean {
    if (!this.#isReused || this.#hasResent || this.hasAnswer) return false
    const isAtHand = this.#request.body !== null || this.#request.contentLength === 0
    return isAtHand && turnMs() - this.#startedMs < reuseRaceMs
  }

  #resend(): void {
    this.#hasResent = true
    this.#isReused = false
    this.isSent = false
    this.#connect()
  }

  #refuseBody(): true {
    this.#fail('other', 'BODY_LENGTH_MISMATCH', this.#connection === null)
    return true
  }

  #fail(kind: UpstreamErrorKind, code: string, isUnsent: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#release()
    this.#receiver.onError({ kind, code, isUnsent })
  }

  #release(): void {
    this.#pending?.cancel()
    this.#connection?.destroy()
    this.#pending = null
    this.#connection = null
    this.#waiting = null
  }
}

function reportDrain(exchange: Http1UpstreamExchange): void {
  exchange.onDrain()
}
