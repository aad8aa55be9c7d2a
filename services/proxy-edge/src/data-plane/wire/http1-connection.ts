import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ChunkDecoder } from '@gpt-load/http1/chunk-decoder'
import { isRefused, needsMore, refusalStatuses } from '@gpt-load/http1/http1-error'
import { RequestHeadParser } from '@gpt-load/http1/request-head-parser'
import { STATUS_CODES } from '@gpt-load/service-kit/node-http'
import { startTurn, turnMs } from '../turn-clock.ts'
import type { Tunnel } from './downstream-exchange.ts'
import type { Http1Downstream } from './http1-downstream.ts'
import { Http1Exchange } from './http1-exchange.ts'
import { LargeWriter } from './large-writer.ts'
import { LentPieces } from './lent-pieces.ts'
import { type OwnReadClient, ownReadOf } from './connect/own-read.ts'
import { handOnSocket, ownSocket, type SocketOwner } from './socket-owner.ts'
import { SocketTunnel } from './socket-tunnel.ts'
import { SocketReads } from './connect/read-buffer.ts'
import { resetConnection } from './reset-connection.ts'
import { TurnWriter } from './turn-writer.ts'
import { type BatchMember, maxBatchedBytes } from './write-batch.ts'
import { WriteStall } from './write-stall.ts'

/**
 * One client connection: reads heads and bodies, one request at a time, and decides what becomes of the connection. What comes
 * behind a request (pipelining, RFC 9112 9.3.2) is held and the socket not read until the answer is out.
 *
 *   idle -> [head in pieces] -> serving -> idle            body read, answer kept alive
 *                                       -> discarding      answered, the client is still sending: to idle, or closed after 2 s
 *                                       -> closing         our FIN is out: read on until the client closes, 2 s at most
 *
 * The socket is read while nothing is held, also when a request has no body: a FIN before the answer is an abort.
 */
const lingerMs = 2_000
const nothing = Buffer.alloc(0)
const continueBytes = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

type State = 'idle' | 'serving' | 'discarding' | 'closing' | 'tunnel' | 'closed'

export class Http1Connection implements BatchMember, OwnReadClient, SocketOwner {
  readonly server: Http1Downstream
  readonly socket: Socket
  readonly remoteAddress: string
  readonly isEncrypted: boolean
  next: Http1Connection = this
  previous: Http1Connection = this
  isInBatch = false
  nextInBatch: BatchMember | null = null
  isBodyComplete = true
  /** The client wants the connection kept, and nothing has spoken against it. */
  isKeepAlive = true
  readonly #parser: RequestHeadParser
  #chunks: ChunkDecoder | null = null
  #exchange: Http1Exchange | null = null
  #state: State = 'idle'
  #isReading = false
  #isPaused = false
  #isFirst = true
  /** Received, not taken yet: of a body that is not wanted yet, or of the next request. */
  #held: Buffer | null = null
  /** Of the body; -1 = chunked. */
  #remaining = 0
  /** Since when what is waited for is waited for. */
  #sinceMs = turnMs()
  readonly #writeStall = new WriteStall()
  /** Null = its bytes come in buffers of their own. */
  readonly #reads: SocketReads | null
  readonly #writer: TurnWriter
  /** Made for the first large piece. */
  #largeWriter: LargeWriter | null = null
  /** Made for the first one that stays where it was read. */
  #lentPieces: LentPieces | null = null

  constructor(server: Http1Downstream, socket: Socket | null) {
    this.server = server
    this.socket = socket as Socket
    this.remoteAddress = socket?.remoteAddress ?? ''
    this.isEncrypted = (socket as Partial<TLSSocket> | null)?.encrypted === true
    this.#writer = new TurnWriter(this.socket)
    this.#reads = socket === null ? null : SocketReads.adopt(socket)
    this.#parser = new RequestHeadParser(server.headBounds)
  }

  static createRing(server: Http1Downstream): Http1Connection {
    return new Http1Connection(server, null)
  }

  open(ring: Http1Connection): void {
    this.next = ring
    this.previous = ring.previous
    ring.previous.next = this
    ring.previous = this
    ownSocket(this.socket, this, this.#reads)
  }

  pauseBody(): void {
    this.#isReading = false
    if (!this.isBodyComplete) this.#pauseSocket()
  }

  resumeBody(): void {
    if (this.#isReading || this.isBodyComplete) return
    this.#isReading = true
    this.#sinceMs = turnMs()
    // Inside the handler nobody listens yet; later not from within the call that resumes.
    if (this.#exchange?.receiver == null) return
    if (this.#held === null) this.#resumeSocket()
    else process.nextTick(readHeld, this)
  }

  sendContinue(): void {
    this.#writer.write(continueBytes)
  }

  /** Part of an answer: small pieces leave at the end of the turn. False = the client reads too slowly. */
  write(bytes: Uint8Array): boolean {
    this.writeLent()
    const isSmall = bytes.length <= maxBatchedBytes && this.server.batch.join(this)
    return isSmall ? this.#writer.put(bytes) : this.#writer.write(bytes)
  }

  /** Behind what waits, and at once. */
  writeNow(bytes: Uint8Array): void {
    this.writeLent()
    this.#writer.write(bytes)
  }

  /** A large part of an answer, at most `writePayloadBytes`, as a chunk or as it is. */
  writeLarge(payload: Uint8Array, isChunk: boolean): boolean {
    if (this.#lend(payload, isChunk)) return false
    this.flush()
    this.#largeWriter ??= new LargeWriter(this.socket)
    return this.#largeWriter.write(payload, isChunk)
  }

  /**
   * Left where it was read, and written with what follows it there; whoever reads waits until that is done. False: it has to be
   * copied.
   */
  #lend(payload: Uint8Array, isChunk: boolean): boolean {
    const read = ownReadOf(payload)
    if (read === null) return false
    const pieces = (this.#lentPieces ??= new LentPieces(this.socket, this))
    if (!pieces.isEmpty && pieces.add(read, payload, isChunk)) return true
    this.flush()
    read.client = this
    return pieces.add(read, payload, isChunk)
  }

  writeLent(): void {
    const pieces = this.#lentPieces
    if (pieces !== null && !pieces.isEmpty) pieces.write()
  }

  /** No more will be written: closes when the client has taken what waits, or takes none of it for too long. */
  endBroken(): void {
    this.flush()
    this.socket.destroySoon()
  }

  /** Something is to be done at the end of the turn. */
  joinBatch(): void {
    this.server.batch.join(this)
  }

  onBatchEnd(): void {
    this.#exchange?.flushHead()
    this.flush()
    this.#exchange?.onBatchEnd()
  }

  /** The whole answer is given: what the client still sends of its request is dropped. */
  onAnswerEnded(): void {
    this.#sinceMs = turnMs()
    if (this.isBodyComplete) return
    this.#state = 'discarding'
    this.#readHeld()
  }

  /** The whole answer is with the system. */
  onAnswerFlushed(keepsAlive: boolean): void {
    this.#exchange = null
    if (this.#state === 'closed') return
    if (!keepsAlive) this.#close()
    else if (this.isBodyComplete) this.#becomeIdle()
  }

  /** From here on the bytes are neither ours nor HTTP. */
  becomeTunnel(): Tunnel {
    const held = this.#held
    this.#held = null
    this.#state = 'tunnel'
    this.#exchange = null
    this.flush()
    this.#reads?.becomeStream(this.socket)
    handOnSocket(this.socket)
    return new SocketTunnel(this.socket, held)
  }

  closeIfIdle(): void {
    if (this.#state === 'idle' && !this.#parser.isInside) this.socket.destroy()
  }

  destroy(): void {
    this.socket.destroy()
  }

  checkTimeouts(now: number): void {
    const waitedMs = now - this.#sinceMs
    if (this.#state === 'idle') this.#checkHead(waitedMs)
    else if (this.#state === 'serving') this.#checkBody(waitedMs)
    else if (this.#state !== 'tunnel' && waitedMs > lingerMs && this.#exchange === null) this.socket.destroy()
    if (this.#state !== 'tunnel') this.#checkWrite(now)
  }

  #checkHead(waitedMs: number): void {
    const { headTimeoutMs, keepAliveTimeoutMs } = this.server.limits
    if (this.#parser.isInside) {
      if (waitedMs > headTimeoutMs) this.#refuse(408)
    } else if (waitedMs > (this.#isFirst ? headTimeoutMs : keepAliveTimeoutMs)) this.socket.destroy()
  }

  #checkBody(waitedMs: number): void {
    const isReceiving = this.#isReading && !this.isBodyComplete
    if (isReceiving && waitedMs > this.server.limits.bodyStallTimeoutMs) resetConnection(this.socket)
    // A socket that is not read from does not notice a reset; the kernel tells at a write, even one of no bytes.
    else if (this.#isPaused) this.socket.write(nothing)
  }

  #checkWrite(now: number): void {
    const stalledMs = this.#writeStall.lastedMs(this.socket, now)
    if (stalledMs > this.server.limits.writeStallTimeoutMs) resetConnection(this.socket)
  }

  onBytes(bytes: Buffer): void {
    startTurn()
    if (this.#state === 'idle') this.#readHead(bytes)
    else if (this.#state === 'closing') return
    else if (this.isBodyComplete || (this.#state === 'serving' && !this.#isReading)) this.#hold(this.#own(bytes))
    else this.#readBody(bytes, 0)
  }

  /** Heads and bodies are read where they lie; what is kept here is a copy. */
  #own(bytes: Buffer): Buffer {
    return this.#reads === null ? bytes : Buffer.from(bytes)
  }

  #readHead(bytes: Buffer): void {
    const parser = this.#parser
    if (!parser.isInside) this.#sinceMs = turnMs()
    const end = parser.parse(bytes, 0)
    if (end === needsMore) return
    if (end === isRefused) return this.#refuse(refusalStatuses[parser.refusal])
    this.#isFirst = false
    this.#state = 'serving'
    this.#isReading = false
    this.#remaining = parser.contentLength
    this.isBodyComplete = parser.contentLength === 0
    this.isKeepAlive = parser.isKeepAlive
    if (this.#remaining === -1) this.#startChunks()
    this.#serve(new Http1Exchange(this, parser), bytes, end)
  }

  #startChunks(): void {
    if (this.#chunks === null) this.#chunks = new ChunkDecoder()
    else this.#chunks.reset()
  }

  /** `from` is where the head ends. */
  #serve(exchange: Http1Exchange, bytes: Buffer, from: number): void {
    this.#exchange = exchange
    exchange.receiver = this.server.handler(exchange)
    if (from < bytes.length) this.#readBehindHead(bytes, from)
    if (this.#state === 'serving' && (this.#isReading || !this.isBodyComplete || this.#held !== null)) this.#readHeld()
  }

  #readBehindHead(bytes: Buffer, from: number): void {
    const isWanted = !this.isBodyComplete && (this.#isReading || this.#state === 'discarding')
    if (isWanted) this.#readBody(bytes, from)
    else if (this.#state !== 'closing' && this.#state !== 'closed') this.#held = this.#own(bytes.subarray(from))
  }

  readHeld(): void {
    if (this.#state === 'serving') this.#readHeld()
  }

  /** Goes on with what is held, if it is wanted now, and reads the socket when it is not to be paused. */
  #readHeld(): void {
    const isWanted = !this.isBodyComplete && (this.#isReading || this.#state === 'discarding')
    const held = this.#held
    if (isWanted && held !== null) {
      this.#held = null
      this.#readBody(held, 0)
    }
    const isStillWanted = this.#isReading || this.#state !== 'serving'
    if (this.#held === null && (this.isBodyComplete || isStillWanted)) this.#resumeSocket()
    else this.#pauseSocket()
  }

  #readBody(bytes: Buffer, from: number): void {
    this.#sinceMs = this.#state === 'serving' ? turnMs() : this.#sinceMs
    const end = this.#remaining === -1 ? this.#readChunks(bytes, from) : this.#readCounted(bytes, from)
    if (end === isRefused) return this.#onMalformedBody()
    if (end === needsMore || this.#state === 'closed') return
    this.isBodyComplete = true
    if (end < bytes.length) this.#hold(this.#own(bytes.subarray(end)))
    if (this.#state === 'serving')
      this.#exchange?.receiver!.onEnd(this.#remaining === -1 ? this.#chunks!.rawTrailers : [])
    else if (this.#state === 'discarding') this.#onDiscarded()
  }

  #readCounted(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#remaining)
    this.#remaining -= end - from
    this.#deliver(end === bytes.length && from === 0 ? bytes : bytes.subarray(from, end))
    return this.#remaining === 0 ? end : needsMore
  }

  #readChunks(bytes: Buffer, from: number): number {
    const chunks = this.#chunks!
    const end = chunks.decode(bytes, from)
    if (chunks.dataEnd > chunks.dataStart) this.#deliver(bytes.subarray(chunks.dataStart, chunks.dataEnd))
    return end
  }

  #deliver(payload: Buffer): void {
    if (this.#state === 'serving') this.#exchange?.receiver!.onData(payload)
  }

  #onMalformedBody(): void {
    const exchange = this.#exchange
    const isUnanswered = this.#state === 'serving' && exchange?.isUnanswered === true
    exchange?.onGone()
    this.#exchange = null
    if (isUnanswered) this.#refuse(refusalStatuses[this.#chunks!.refusal])
    else this.socket.destroy()
  }

  /** The rest of a request that was answered early has come after all. */
  #onDiscarded(): void {
    if (this.#exchange === null) this.#becomeIdle()
    else this.#state = 'serving'
  }

  #becomeIdle(): void {
    this.#state = 'idle'
    this.#sinceMs = turnMs()
    const held = this.#held
    if (held === null) return this.#resumeSocket()
    this.#held = null
    // Not from within the end of the last answer.
    process.nextTick(readNext, this, held)
  }

  readNext(held: Buffer): void {
    if (this.#state !== 'idle') return
    this.#resumeSocket()
    this.#readHead(held)
  }

  #hold(bytes: Buffer): void {
    this.#held = this.#held === null ? bytes : Buffer.concat([this.#held, bytes])
    this.#pauseSocket()
  }

  flush(): void {
    this.writeLent()
    this.#writer.flush()
  }

  #pauseSocket(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.socket.pause()
  }

  #resumeSocket(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.socket.resume()
  }

  /** Nobody hears of it: there is no request. */
  #refuse(status: number): void {
    const text = `${STATUS_CODES[status]}\n`
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n`
    this.#writer.write(Buffer.from(`${head}Content-Length: ${text.length}\r\n\r\n${text}`, 'latin1'))
    this.#close()
  }

  /** Our FIN, then what the client still sends is read away, lest a reset takes the answer with it (RFC 9112 9.6). */
  #close(): void {
    this.#state = 'closing'
    this.#held = null
    this.#sinceMs = turnMs()
    this.socket.end()
    this.#resumeSocket()
  }

  onEnd(): void {
    startTurn()
    const exchange = this.#exchange
    if (exchange !== null && exchange.isEnded) this.isKeepAlive = false
    else this.socket.destroy()
    if (exchange !== null && !exchange.isEnded) this.#onClosed()
  }

  /** All is with the system, or all that was lent: what was written behind that may still wait. */
  onDrain(): void {
    startTurn()
    this.#exchange?.receiver?.onDrain()
  }

  onError(): void {
    this.#onClosed()
  }

  /** By error or by close, whichever comes first. */
  #onClosed(): void {
    if (this.#state === 'closed') return
    startTurn()
    this.#state = 'closed'
    this.#held = null
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.onGone()
  }

  onClose(): void {
    this.#onClosed()
    this.previous.next = this.next
    this.next.previous = this.previous
    this.next = this
    this.previous = this
    this.server.onConnectionClosed()
  }
}

function readHeld(connection: Http1Connection): void {
  connection.readHeld()
}

function readNext(connection: Http1Connection, held: Buffer): void {
  connection.readNext(held)
}
