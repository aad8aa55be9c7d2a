import { Socket } from 'node:net'
import { ChunkDecoder, type ChunkReceiver } from '@gpt-load/http1/chunk-decoder'
import { isRefused, needsMore } from '@gpt-load/http1/http1-error'
import { ResponseHeadParser } from '@gpt-load/http1/response-head-parser'
import { startTurn, turnMs } from '../turn-clock.ts'
import { codeOf } from './connect/connect-error.ts'
import type { SocketReads } from './connect/read-buffer.ts'
import type { Http1OriginPool } from './http1-origin-pool.ts'
import type { Http1UpstreamExchange } from './http1-upstream-exchange.ts'
import { LargeWriter } from './large-writer.ts'
import { handOnSocket, ownSocket, type SocketOwner } from './socket-owner.ts'
import { SocketTunnel } from './socket-tunnel.ts'
import { TurnWriter } from './turn-writer.ts'
import { type BatchMember, maxBatchedBytes } from './write-batch.ts'

/**
 * One connection to an upstream: reads answers, one exchange at a time. Whatever comes while nobody has asked, or behind the end
 * of an answer, ends the connection: it is never taken for the next answer. While paused nothing is reported, the end included.
 */
/** 1xx ahead of one answer; more is no upstream that means well. */
const maxInformational = 32
/** How long after a failed write what the upstream had sent before may still be read. */
const lastWordsMs = 100

type Phase = 'idle' | 'head' | 'body' | 'ended'

export class Http1UpstreamConnection implements BatchMember, ChunkReceiver, SocketOwner {
  readonly socket: Socket
  idleSinceMs = 0
  isInBatch = false
  nextInBatch: BatchMember | null = null
  readonly #pool: Http1OriginPool
  readonly #parser = new ResponseHeadParser()
  #chunks: ChunkDecoder | null = null
  #exchange: Http1UpstreamExchange | null = null
  #phase: Phase = 'idle'
  #isPaused = false
  #held: Buffer | null = null
  /** Of the body; -1 = chunked, Infinity = until the end of the connection. */
  #remaining = 0
  #informational = 0
  #isSpoilt = false
  /** Its FIN has come. */
  #hasEnded = false
  /** How the connection ended while bytes of the answer were held: `FIN` or a code; '' = it has not. */
  #ending = ''

  /** Null = its bytes come in buffers of their own. */
  readonly #reads: SocketReads | null
  readonly #writer: TurnWriter
  #largeWriter: LargeWriter | null = null

  constructor(pool: Http1OriginPool, socket: Socket, reads: SocketReads | null) {
    this.#reads = reads
    reads?.mayOwn(socket)
    this.#pool = pool
    this.socket = socket
    this.#writer = new TurnWriter(socket)
    ownSocket(socket, this, reads)
    hearLastWords(socket)
    // Sockets that came through an outbound proxy are paused.
    socket.resume()
  }

  /** `writable` is false of a socket that is destroyed, too. */
  get isUsable(): boolean {
    return !this.#isSpoilt && !this.#hasEnded && this.socket.writable
  }

  begin(exchange: Http1UpstreamExchange, method: string): void {
    this.#exchange = exchange
    this.#phase = 'head'
    this.#informational = 0
    this.#parser.isHeadRequest = method === 'HEAD'
  }

  /** Part of a request: small pieces leave at the end of the turn. False = the upstream reads too slowly. */
  write(bytes: Uint8Array): boolean {
    const isSmall = bytes.length <= maxBatchedBytes && this.#pool.batch.join(this)
    return isSmall ? this.#writer.put(bytes) : this.#writer.write(bytes)
  }

  /** Behind what waits, and at once. */
  writeNow(bytes: Uint8Array): boolean {
    return this.#writer.write(bytes)
  }

  /** A large part of a request, at most `writePayloadBytes`, as a chunk or as it is. */
  writeLarge(payload: Uint8Array, isChunk: boolean): boolean {
    this.flush()
    this.#largeWriter ??= new LargeWriter(this.socket)
    return this.#largeWriter.write(payload, isChunk)
  }

  /** A whole request, which stays as it is for the length of the call only. */
  writeWhole(head: Uint8Array, body: Uint8Array): void {
    this.flush()
    this.#largeWriter ??= new LargeWriter(this.socket)
    this.#largeWriter.writeWith(head, body)
  }

  /** Something is to be done at the end of the turn. */
  joinBatch(): void {
    this.#pool.batch.join(this)
  }

  onBatchEnd(): void {
    this.#exchange?.flushHead()
    this.flush()
  }

  flush(): void {
    this.#writer.flush()
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#held === null && this.#phase !== 'ended') this.socket.resume()
    // Not from within the call that resumes.
    else process.nextTick(readHeld, this)
  }

  readHeld(): void {
    if (this.#isPaused || this.#exchange === null) return
    const held = this.#held
    this.#held = null
    if (held !== null) this.onBytes(held)
    else if (this.#phase === 'ended') this.#finish()
    if (this.#isPaused) return
    if (this.#ending !== '') this.#endLate()
    else this.socket.resume()
  }

  destroy(): void {
    this.#exchange = null
    this.#held = null
    this.socket.destroy()
  }

  onBytes(bytes: Buffer): void {
    startTurn()
    if (this.#exchange === null) return this.#pool.drop(this)
    this.#exchange.hasAnswer = true
    let at = 0
    while (at < bytes.length && this.#exchange !== null) {
      if (this.#phase === 'ended') return this.#spoil()
      if (this.#isPaused) return this.#hold(bytes.subarray(at))
      at = this.#phase === 'head' ? this.#readHead(bytes, at) : this.#readBody(bytes, at)
      if (at < 0) return
    }
  }

  #readHead(bytes: Buffer, from: number): number {
    const parser = this.#parser
    const end = parser.parse(bytes, from)
    if (end === needsMore) return end
    if (end === isRefused) return this.#fail('protocol', parser.refusal)
    if (parser.status === 101) return this.#switch(bytes.subarray(end))
    if (parser.isInformational) return this.#onInformational(end)
    this.#startBody()
    const isBodyless = this.#remaining === 0
    if (isBodyless) this.#phase = 'ended'
    const exchange = this.#exchange!
    // Known before the end is reported: what follows is of no answer.
    if (isBodyless && end < bytes.length) this.#isSpoilt = true
    exchange.onHead(parser.status, parser.reason, parser.rawHeaders)
    if (isBodyless && this.#exchange === exchange && !this.#isPaused) this.#finish()
    return isBodyless ? needsMore : end
  }

  #onInformational(end: number): number {
    this.#informational += 1
    if (this.#informational > maxInformational) return this.#fail('protocol', 'TOO_MANY_INFORMATIONAL')
    const { status, rawHeaders } = this.#parser
    // We never ask for 100, and who asked us has got ours.
    if (status !== 100) this.#exchange!.onInformational(status, rawHeaders)
    return end
  }

  #startBody(): void {
    const { framing, contentLength } = this.#parser
    this.#phase = 'body'
    this.#remaining = 0
    if (framing === 'length') this.#remaining = contentLength
    else if (framing === 'close') this.#remaining = Infinity
    else if (framing === 'chunked') {
      this.#remaining = -1
      if (this.#chunks === null) this.#chunks = new ChunkDecoder()
      else this.#chunks.reset()
    }
  }

  #readBody(bytes: Buffer, from: number): number {
    const exchange = this.#exchange!
    const end = this.#remaining === -1 ? this.#readChunks(bytes, from) : this.#readCounted(bytes, from)
    if (end === needsMore || this.#exchange !== exchange) return needsMore
    if (end === isRefused) return this.#fail('protocol', this.#chunks!.refusal)
    this.#phase = 'ended'
    this.#reads?.onAnswerEnd()
    if (end < bytes.length) this.#isSpoilt = true
    if (!this.#isPaused) this.#finish()
    return needsMore
  }

  #readCounted(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#remaining)
    this.#remaining -= end - from
    this.#exchange!.onData(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end), 0)
    return this.#remaining === 0 ? end : needsMore
  }

  #readChunks(bytes: Buffer, from: number): number {
    const chunks = this.#chunks!
    if (this.#reads?.isOwn === true) return chunks.decodePieces(bytes, from, this)
    const end = chunks.decode(bytes, from)
    if (chunks.dataEnd > chunks.dataStart) this.#exchange!.onData(bytes.subarray(chunks.dataStart, chunks.dataEnd), 0)
    return end
  }

  onChunk(payload: Buffer, behind: number): void {
    this.#exchange?.onData(payload, behind)
  }

  /** The answer is whole. Given back before it is reported, so that what follows at once finds the connection. */
  #finish(): void {
    const exchange = this.#exchange!
    const trailers = this.#remaining === -1 ? this.#chunks!.rawTrailers : []
    const isReusable = this.#parser.isKeepAlive && exchange.isSent && this.isUsable
    this.#exchange = null
    this.#phase = 'idle'
    if (!isReusable) this.socket.destroy()
    else if (this.#writer.isEmpty) this.#giveBack()
    // TLS reports a write that the system has taken at the end of the turn only; it may also be a request answered early.
    else setImmediate(giveBackLate, this)
    exchange.onEnd(trailers)
  }

  #giveBack(): void {
    this.idleSinceMs = turnMs()
    this.#pool.giveBack(this)
  }

  giveBackLate(): void {
    if (this.#writer.isEmpty) this.#giveBack()
    else this.socket.destroy()
  }

  /** 101: the rest of the connection is the caller's (RFC 9110 15.2.2). */
  #switch(early: Buffer): number {
    const exchange = this.#exchange!
    if (!exchange.asksUpgrade) return this.#fail('protocol', 'UNASKED_UPGRADE')
    this.#exchange = null
    this.flush()
    handOnSocket(this.socket)
    const tunnel = new SocketTunnel(this.socket, early.length === 0 ? null : early)
    exchange.onUpgrade(this.#parser.status, this.#parser.reason, this.#parser.rawHeaders, tunnel)
    return needsMore
  }

  #hold(bytes: Buffer): void {
    if (this.#held !== null) this.#held = Buffer.concat([this.#held, bytes])
    else this.#held = this.#reads === null ? bytes : Buffer.from(bytes)
  }

  /** More than the answer has come while its end was held. */
  #spoil(): void {
    this.#isSpoilt = true
  }

  /** What was held is read; now its end counts. */
  #endLate(): void {
    if (this.#exchange === null || this.#phase === 'ended') return
    if (this.#ending === 'FIN') this.onEnd()
    else this.#fail('reset', this.#ending)
  }

  #fail(kind: 'protocol' | 'reset', code: string): number {
    const exchange = this.#exchange
    this.#exchange = null
    this.socket.destroy()
    exchange?.onBroken(kind, code)
    return needsMore
  }

  onEnd(): void {
    startTurn()
    this.#hasEnded = true
    if (this.#exchange === null) return this.#pool.drop(this)
    if (this.#phase === 'ended') return this.#spoil()
    if (this.#held !== null) return void (this.#ending = 'FIN')
    if (this.#phase !== 'body' || this.#remaining !== Infinity) return void this.#fail('reset', 'ECONNRESET')
    this.#phase = 'ended'
    if (!this.#isPaused) this.#finish()
  }

  onDrain(): void {
    startTurn()
    this.#exchange?.onDrain()
  }

  onError(error: unknown): void {
    startTurn()
    this.#isSpoilt = true
    if (this.#held !== null) this.#ending = codeOf(error)
    else if (this.#exchange !== null && this.#phase !== 'ended') this.#fail('reset', codeOf(error))
  }

  onClose(): void {
    startTurn()
    this.#reads?.close()
    if (this.#exchange === null) this.#pool.drop(this)
    else if (this.#held !== null) this.#ending ||= 'ECONNRESET'
    else if (this.#phase !== 'ended') this.#fail('reset', 'ECONNRESET')
  }
}

function giveBackLate(connection: Http1UpstreamConnection): void {
  connection.giveBackLate()
}

function readHeld(connection: Http1UpstreamConnection): void {
  connection.readHeld()
}

/**
 * A write to an upstream that has answered early and closed fails before the answer is read, and would destroy the socket with it:
 * EPIPE in place of a 413. So a socket whose write failed lives on for what is still to be read. Node marks both halves of a
 * stream as failed and drops what a failed one reads; the mark is taken off the half that did not fail. Were it not there,
 * EPIPE would be reported, as without this.
 */
function hearLastWords(socket: Socket): void {
  socket.destroy = destroyLate
}

const isDying = Symbol('is dying')
type DyingSocket = Socket & { [isDying]?: boolean; _readableState?: { errored: Error | null } }

function destroyLate(this: DyingSocket, error?: Error & { syscall?: string }): DyingSocket {
  if (error?.syscall !== 'write') return Socket.prototype.destroy.call(this, error) as DyingSocket
  if (this._readableState !== undefined) this._readableState.errored = null
  if (this[isDying] !== true) setTimeout(() => Socket.prototype.destroy.call(this, error), lastWordsMs)
  this[isDying] = true
  return this
}
