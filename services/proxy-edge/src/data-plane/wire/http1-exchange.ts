import { STATUS_CODES } from '@gpt-load/service-kit/node-http'
import { isHeaderName } from '@gpt-load/channels/header-value'
import { chunkBytes, lastChunkBytes, responseBytes } from '@gpt-load/http1/head-writer'
import type { ConnectionField } from '@gpt-load/http1/head-writer'
import type { RequestHeadParser } from '@gpt-load/http1/request-head-parser'
import { findHeader, hasHeader } from '../headers/raw-headers.ts'
import type { DownstreamExchange, DownstreamReceiver, Tunnel } from './downstream-exchange.ts'
import type { Http1Connection } from './http1-connection.ts'
import { resetConnection } from './reset-connection.ts'
import { ownReadOf } from './connect/own-read.ts'
import { writePayloadBytes } from './large-writer.ts'

/**
 * One request of a connection and the answer to it. An object of its own, not the connection: a late call for a request that is
 * over must not reach the one that follows. The head waits for the first bytes of the body until the end of the tick, so that
 * both go out in one write.
 *
 * An answer never says more or less than its length: more is not written, less breaks the connection.
 */
/** Larger pieces are written by themselves, from buffers that are used again. */
const maxCopiedBytes = 16_384
/** Smaller pieces are copied, also those that could stay where they were read: they would be written by themselves. */
const minLentBytes = 4_096

type Framing = 'unanswered' | 'none' | 'length' | 'chunked' | 'close'

export class Http1Exchange implements DownstreamExchange {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  readonly rawHeaders: readonly string[]
  readonly contentLength: number
  readonly isUpgrade: boolean
  readonly remoteAddress: string
  receiver: DownstreamReceiver | null = null
  isEnded = false
  /** Null = over. */
  #connection: Http1Connection | null
  #expectsContinue: boolean
  #framing: Framing = 'unanswered'
  /** Of the answer, when it has a length. */
  #remaining = 0
  #keepsAlive = false
  #isHeadPending = false
  #isAborted = false
  #awaitsFlush = false
  #status = 0
  #reason = ''
  #headers: readonly string[] = []

  constructor(connection: Http1Connection, head: RequestHeadParser) {
    this.#connection = connection
    this.method = head.method
    this.target = head.target
    this.httpVersion = head.version
    this.rawHeaders = head.rawHeaders
    this.contentLength = head.contentLength
    // To other protocols it is an ordinary request (RFC 9110 7.8 allows that).
    this.isUpgrade = head.isUpgrade && head.contentLength === 0 && isWebSocket(head.rawHeaders)
    this.remoteAddress = connection.remoteAddress
    this.#expectsContinue = head.expectsContinue
  }

  get isEncrypted(): boolean {
    return this.#connection?.isEncrypted ?? false
  }

  get isUnanswered(): boolean {
    return this.#framing === 'unanswered'
  }

  pause(): void {
    if (!this.isEnded) this.#connection?.pauseBody()
  }

  resume(): void {
    const connection = this.#connection
    if (connection === null || this.isEnded) return
    if (this.#expectsContinue && this.isUnanswered) connection.sendContinue()
    this.#expectsContinue = false
    connection.resumeBody()
  }

  writeInformational(status: number, rawHeaders: readonly string[]): void {
    if (this.#connection === null || this.httpVersion === '1.0' || !this.isUnanswered) return
    if (status < 102 || status > 199) return
    this.#write(this.#encode(status, STATUS_CODES[status] ?? '', rawHeaders, '', '', null))
  }

  writeHead(status: number, reason: string, rawHeaders: readonly string[]): void {
    const connection = this.#connection
    if (connection === null || !this.isUnanswered || this.#isAborted) return
    this.#status = status
    this.#reason = reason
    this.#framing = this.#chooseFraming(status, rawHeaders)
    this.#headers = this.#framing === 'chunked' ? rawHeaders : withoutTrailer(rawHeaders)
    // A client that still waits for 100 may or may not send its body now: nothing can follow (RFC 9110 10.1.1).
    if (this.#expectsContinue) connection.isKeepAlive = false
    this.#keepsAlive = connection.isKeepAlive && !connection.server.isDraining && this.#framing !== 'close'
    this.#isHeadPending = true
    connection.joinBatch()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#connection === null || this.isEnded || this.isUnanswered || chunk.length === 0) return true
    if (this.#isAborted || this.#framing === 'none') return true
    if (this.#framing === 'length') {
      if (chunk.length > this.#remaining) return this.#breakOff()
      this.#remaining -= chunk.length
    }
    if (this.#isHeadPending && chunk.length <= maxCopiedBytes) return this.#write(this.#takeHead(chunk))
    if (this.#isHeadPending) this.#write(this.#takeHead(null))
    if (chunk.length > maxCopiedBytes || (chunk.length >= minLentBytes && ownReadOf(chunk) !== null))
      return this.#writeLarge(chunk)
    return this.#write(this.#framing === 'chunked' ? chunkBytes(chunk) : Buffer.from(chunk))
  }

  end(rawTrailers: readonly string[] = []): void {
    const connection = this.#connection
    if (connection === null || this.isEnded || this.isUnanswered || this.#isAborted) return
    if (this.#framing === 'length' && this.#remaining > 0) return void this.#breakOff()
    this.isEnded = true
    this.#flushLast(connection, rawTrailers)
    connection.onAnswerEnded()
  }

  abort(): void {
    const connection = this.#connection
    if (connection === null || this.#isAborted) return
    this.#isAborted = true
    if (this.#isHeadPending) this.#write(this.#takeHead(null))
    const isTruncation = (this.#framing === 'length' || this.#framing === 'chunked') && !this.isEnded
    // What was delivered must arrive before the break; where framing cannot show it, only a reset does.
    if (isTruncation) return connection.endBroken()
    connection.flush()
    resetConnection(connection.socket)
  }

  upgrade(status: number, reason: string, rawHeaders: readonly string[]): Tunnel {
    const connection = this.#connection
    if (connection === null || !this.isUpgrade || !this.isUnanswered) throw new Error('this request cannot be upgraded')
    this.#framing = 'none'
    this.#connection = null
    const headers = [...rawHeaders, 'Connection', 'Upgrade', 'Upgrade', 'websocket']
    connection.writeNow(responseBytes(status, reason, headers, false, '', '', null))
    return connection.becomeTunnel()
  }

  /** A head whose body has not begun goes by itself. */
  flushHead(): void {
    if (this.#isHeadPending && this.#connection !== null) this.#connection.writeNow(this.#takeHead(null))
  }

  /** Of an answer that has ended: what is written is written by now; what is not calls back behind all that waits. */
  onBatchEnd(): void {
    const connection = this.#connection
    if (connection === null || !this.isEnded || this.#awaitsFlush) return
    if (connection.socket.writableLength === 0) return this.#onFlushed()
    this.#awaitsFlush = true
    connection.socket.write('', (error) => error == null && this.#onFlushed())
  }

  #onFlushed(): void {
    const connection = this.#connection
    if (connection === null || !this.isEnded) return
    this.#connection = null
    connection.onAnswerFlushed(this.#keepsAlive && connection.isKeepAlive)
    this.receiver!.onFinish()
  }

  /** The connection is gone. */
  onGone(): void {
    if (this.#connection === null) return
    this.#connection = null
    this.receiver?.onAbort()
  }

  #chooseFraming(status: number, rawHeaders: readonly string[]): Framing {
    if (this.method === 'HEAD' || status === 204 || status === 304) return 'none'
    const length = findHeader(rawHeaders, 'content-length')
    if (length === '') return this.httpVersion === '1.1' ? 'chunked' : 'close'
    this.#remaining = Number(length)
    return 'length'
  }

  /** The last bytes, with whatever waits; when they are with the system the answer is over. */
  #flushLast(connection: Http1Connection, rawTrailers: readonly string[]): void {
    const isChunked = this.#framing === 'chunked'
    if (this.#isHeadPending) this.#write(this.#takeHead(null))
    if (isChunked) this.#write(lastChunkBytes(rawTrailers))
    connection.joinBatch()
  }

  #takeHead(body: Uint8Array | null): Uint8Array {
    this.#isHeadPending = false
    const { date } = this.#connection!.server
    const dateText = hasHeader(this.#headers, 'date') ? '' : date.text
    let connection: ConnectionField = this.#keepsAlive ? '' : 'close'
    if (this.#keepsAlive && this.httpVersion === '1.0') connection = 'keep-alive'
    return this.#encode(this.#status, this.#reason, this.#headers, connection, dateText, body)
  }

  /** Of a head that cannot be written nothing is sent: the connection breaks. */
  #encode(
    status: number,
    reason: string,
    rawHeaders: readonly string[],
    connection: ConnectionField,
    date: string,
    body: Uint8Array | null,
  ): Uint8Array {
    try {
      return responseBytes(status, reason, rawHeaders, this.#framing === 'chunked', connection, date, body)
    } catch {
      this.#isAborted = true
      resetConnection(this.#connection!.socket)
      return nothing
    }
  }

  #write(bytes: Uint8Array): boolean {
    return bytes.length === 0 || this.#connection!.write(bytes)
  }

  #writeLarge(chunk: Uint8Array): boolean {
    let isFlowing = true
    for (let at = 0; at < chunk.length && this.#connection !== null; at += writePayloadBytes)
      isFlowing = this.#connection.writeLarge(chunk.subarray(at, at + writePayloadBytes), this.#framing === 'chunked')
    return isFlowing
  }

  #breakOff(): true {
    this.abort()
    return true
  }
}

const nothing = new Uint8Array(0)

function isWebSocket(rawHeaders: readonly string[]): boolean {
  return findHeader(rawHeaders, 'upgrade').toLowerCase() === 'websocket'
}

/** Trailers can be announced only where chunks carry them. */
function withoutTrailer(rawHeaders: readonly string[]): readonly string[] {
  if (!hasHeader(rawHeaders, 'trailer')) return rawHeaders
  return rawHeaders.filter((_part, index) => !isHeaderName(rawHeaders[index & ~1]!, 'trailer'))
}
