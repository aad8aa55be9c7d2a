import { isHeaderName } from '@gpt-load/channels/header-value'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from '@gpt-load/service-kit/node-http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { hasHeader } from '../headers/raw-headers.ts'
import { startTurn, turnMs } from '../turn-clock.ts'
import type { DownstreamExchange, DownstreamLimits, DownstreamReceiver, Tunnel } from './downstream-exchange.ts'
import { resetConnection } from './reset-connection.ts'
import { WriteStall } from './write-stall.ts'

/**
 * One request on node:http. Events come to module-level functions that find the exchange on the response, so a request costs
 * no closures. A node of the server's ring of open exchanges, which the sweep walks for stalls.
 *
 * Defects of node:http that are kept away from (WIRE.md): a reason phrase outside ASCII throws; a head that is sent with an
 * empty string goes out as UTF-8, so heads are flushed by an empty buffer.
 */
/** How long a client that is already answered may go on sending its body, unread (RFC 9112 9.6). */
const lingerMs = 2_000
const nothing = Buffer.alloc(0)
const key = Symbol('exchange')

type Held = { [key]?: NodeHttpExchange }

export class NodeHttpExchange implements DownstreamExchange {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  readonly rawHeaders: readonly string[]
  readonly contentLength: number
  readonly isUpgrade: boolean
  next: NodeHttpExchange = this
  previous: NodeHttpExchange = this
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #socket: Socket
  #receiver: DownstreamReceiver | null = null
  #expectsContinue: boolean
  #isReading = false
  #isHeadFlushed = true
  #isOver = false
  #isAborted = false
  /** Truncation shows: the answer has a length or is chunked. */
  #isFramed = false
  #endedAtMs = 0
  #lastReadMs = 0
  readonly #writeStall = new WriteStall()

  constructor(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    this.#request = request
    this.#response = response
    this.#socket = request.socket
    this.#expectsContinue = expectsContinue
    this.method = request.method ?? 'GET'
    this.target = request.url ?? '/'
    this.httpVersion = request.httpVersion === '1.0' ? '1.0' : '1.1'
    this.rawHeaders = request.rawHeaders
    this.contentLength = bodyLength(request)
    // This wire does not switch protocols: such a request is an ordinary one to it (RFC 9110 7.8 allows that).
    this.isUpgrade = false
  }

  static createRing(): NodeHttpExchange {
    const nobody = { rawHeaders: [], headers: {} } as unknown as IncomingMessage
    return new NodeHttpExchange(nobody, nobody as unknown as ServerResponse, false)
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? ''
  }

  get isEncrypted(): boolean {
    return (this.#socket as Partial<TLSSocket>).encrypted === true
  }

  linkTo(ring: NodeHttpExchange): void {
    this.next = ring
    this.previous = ring.previous
    ring.previous.next = this
    ring.previous = this
  }

  attach(receiver: DownstreamReceiver): void {
    this.#receiver = receiver
    const response = this.#response as ServerResponse & Held
    const request = this.#request as IncomingMessage & Held
    response[key] = this
    request[key] = this
    response.on('finish', onResponseFinish).on('close', onResponseClose).on('drain', onResponseDrain)
    response.on('error', ignore)
    request.on('error', onRequestError)
    if (this.contentLength === 0) return
    request.pause()
    request.on('data', onRequestData).on('end', onRequestEnd)
    if (!this.#isReading) request.pause()
    else request.resume()
  }

  pause(): void {
    this.#isReading = false
    this.#request.pause()
  }

  resume(): void {
    if (this.#isOver || this.#isReading) return
    this.#isReading = true
    this.#lastReadMs = turnMs()
    if (this.#expectsContinue) this.#continue()
    if (this.#receiver !== null) this.#request.resume()
  }

  writeInformational(status: number, rawHeaders: readonly string[]): void {
    if (this.httpVersion === '1.0' || this.#isOver || this.#response.headersSent || status < 102 || status > 199) return
    // Pipelined behind an answer that is not over: it would come in the middle of that one.
    if (this.#response.socket === null) return
    this.#socket.write(headOf(status, rawHeaders), 'latin1')
  }

  writeHead(status: number, reason: string, rawHeaders: readonly string[]): void {
    if (this.#isOver) return
    this.#expectsContinue = false
    const hasBody = this.method !== 'HEAD' && status !== 204 && status !== 304
    const hasLength = hasHeader(rawHeaders, 'content-length')
    const isChunked = hasBody && !hasLength && this.httpVersion === '1.1'
    this.#isFramed = hasLength || isChunked
    const headers = isChunked ? (rawHeaders as string[]) : withoutTrailer(rawHeaders)
    this.#response.writeHead(status, printable(reason, status), headers as unknown as string[])
    this.#isHeadFlushed = false
    process.nextTick(flushHead, this)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver) return true
    this.#isHeadFlushed = true
    return this.#response.write(chunk)
  }

  end(rawTrailers?: readonly string[]): void {
    if (this.#isOver) return
    this.#isHeadFlushed = true
    if (rawTrailers !== undefined && rawTrailers.length > 0) this.#response.addTrailers(toEntries(rawTrailers))
    this.#endedAtMs = turnMs()
    this.#response.end(nothing)
    // What the client still sends is dropped; the sweep ends it when it does not stop.
    if (!this.#request.complete) this.#request.removeListener('data', onRequestData).resume()
  }

  abort(): void {
    if (this.#isAborted) return
    this.#isAborted = true
    // node:http sends what was written in this tick at its end only.
    process.nextTick(breakOff, this)
  }

  breakOff(): void {
    const isTruncation = this.#response.headersSent && this.#isFramed && !this.#response.writableEnded
    // What was delivered must arrive before the break; where framing cannot show it, only a reset does.
    if (isTruncation) this.#socket.destroySoon()
    else resetConnection(this.#socket)
  }

  upgrade(): Tunnel {
    throw new Error('this wire does not upgrade connections')
  }

  closeAfterAnswer(): void {
    if (!this.#response.headersSent) this.#response.shouldKeepAlive = false
  }

  checkStall(now: number, limits: DownstreamLimits): void {
    if (this.#isOver) return this.#checkLinger(now)
    const isReceiving = this.#isReading && this.#endedAtMs === 0 && !this.#request.complete
    if (isReceiving && now - this.#lastReadMs > limits.bodyStallTimeoutMs) resetConnection(this.#socket)
    // A socket that is not read from does not notice a reset; the kernel tells at a write, even one of no bytes.
    if (!this.#isReading && !this.#request.complete) this.#socket.write(nothing)
    const stalledMs = this.#writeStall.lastedMs(this.#socket, now)
    if (stalledMs > limits.writeStallTimeoutMs) resetConnection(this.#socket)
  }

  /** Answered, but the client is still sending. */
  #checkLinger(now: number): void {
    const isOverdue = now - this.#endedAtMs > lingerMs
    if (isOverdue && !this.#request.complete) this.#socket.destroy()
    if (isOverdue || this.#request.complete || this.#socket.destroyed) this.#unlink()
  }

  onData(chunk: Uint8Array): void {
    startTurn()
    this.#lastReadMs = turnMs()
    this.#receiver!.onData(chunk)
  }

  onEnd(): void {
    startTurn()
    if (!this.#isOver) this.#receiver!.onEnd(this.#request.rawTrailers)
  }

  onDrain(): void {
    startTurn()
    if (!this.#isOver) this.#receiver!.onDrain()
  }

  onFinish(): void {
    if (this.#isOver) return
    startTurn()
    this.#isOver = true
    if (this.#request.complete) this.#unlink()
    this.#receiver!.onFinish()
  }

  /** Follows `onFinish` too: then a client that is still sending stays in the ring. */
  onClose(): void {
    if (this.#isOver) return
    startTurn()
    this.#isOver = true
    this.#unlink()
    this.#receiver!.onAbort()
  }

  flushHead(): void {
    if (this.#isHeadFlushed || this.#isOver) return
    this.#isHeadFlushed = true
    this.#response.write(nothing)
  }

  #continue(): void {
    this.#expectsContinue = false
    if (!this.#response.headersSent) this.#response.writeContinue()
  }

  #unlink(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
    this.next = this
    this.previous = this
  }
}

function onRequestData(this: IncomingMessage & Held, chunk: Buffer): void {
  this[key]!.onData(chunk)
}

function onRequestEnd(this: IncomingMessage & Held): void {
  this[key]!.onEnd()
}

/** ECONNRESET: the client left in the middle of its request or of our answer. */
function onRequestError(this: IncomingMessage & Held): void {
  this[key]!.onClose()
}

function onResponseDrain(this: ServerResponse & Held): void {
  this[key]!.onDrain()
}

function onResponseFinish(this: ServerResponse & Held): void {
  this[key]!.onFinish()
}

function onResponseClose(this: ServerResponse & Held): void {
  this[key]!.onClose()
}

function flushHead(exchange: NodeHttpExchange): void {
  exchange.flushHead()
}

function breakOff(exchange: NodeHttpExchange): void {
  exchange.breakOff()
}

function ignore(): void {}

function bodyLength(request: IncomingMessage): number {
  if (request.headers['transfer-encoding'] !== undefined) return -1
  const length = request.headers['content-length']
  return length === undefined ? 0 : Number(length)
}

function printable(reason: string, status: number): string {
  if (/^[\t\x20-\x7e]*$/.test(reason)) return reason
  return STATUS_CODES[status] ?? ''
}

/** Announcing trailers without chunks makes node:http throw, and nothing could follow. */
function withoutTrailer(rawHeaders: readonly string[]): string[] {
  if (!hasHeader(rawHeaders, 'trailer')) return rawHeaders as string[]
  return rawHeaders.filter((_part, index) => !isHeaderName(rawHeaders[index & ~1]!, 'trailer'))
}

function headOf(status: number, rawHeaders: readonly string[]): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  for (let index = 0; index < rawHeaders.length; index += 2)
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`
  return `${head}\r\n`
}

function toEntries(rawTrailers: readonly string[]): [string, string][] {
  const entries: [string, string][] = []
  for (let index = 0; index < rawTrailers.length; index += 2)
    entries.push([rawTrailers[index]!, rawTrailers[index + 1]!])
  return entries
}
