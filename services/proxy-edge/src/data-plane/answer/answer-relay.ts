import type { CreatedResourceReader } from '@gpt-load/channels/created-resource-reader'
import { requestIdHeader } from '@gpt-load/contracts/proxy-errors'
import { findHeader, hasHeader, removeHeader, setHeader } from '../headers/raw-headers.ts'
import { passResponseHeaders } from '../headers/response-headers.ts'
import type { Attempt } from '../attempt.ts'
import type { BodyCapture } from '../observe/content-capture.ts'
import type { RequestLog } from '../observe/request-log.ts'
import type { CorsPolicy } from '../route/cors-policy.ts'
import type { DownstreamExchange } from '../wire/downstream-exchange.ts'
import type { PreparedAnswer } from './final-answer.ts'
import { isPlain } from '../body/decode-body.ts'
import { UsageTee } from './usage-tee.ts'

const twoNewlines = 0x0a0a
const crlf = 0x0d0a

/**
 * The way back: one head, then bytes as they come. Adds what we add to every answer and nothing else; reads usage beside the
 * stream.
 */
export class AnswerRelay {
  readonly #exchange: DownstreamExchange
  readonly #log: RequestLog
  readonly #cors: CorsPolicy | null
  tee: UsageTee | null = null
  /** Of groups that record answers. */
  capture: BodyCapture | null = null
  /** A plain event stream without a length: events of ours may stand between the upstream's. */
  #isOpenStream = false
  /** The last two bytes that went out. */
  #lastBytes = 0

  constructor(exchange: DownstreamExchange, log: RequestLog, cors: CorsPolicy | null) {
    this.#exchange = exchange
    this.#log = log
    this.#cors = cors
  }

  /** An upstream's answer, from its head on. */
  begin(
    { status, reason, rawHeaders, target }: Attempt,
    isStream: boolean,
    resources: CreatedResourceReader | null,
  ): void {
    const contentType = findHeader(rawHeaders, 'content-type')
    const headers = passResponseHeaders(rawHeaders, target.secret)
    const isEventStream = contentType.toLowerCase().startsWith('text/event-stream')
    // Reverse proxies in front of us would otherwise collect events.
    if (isEventStream && !hasHeader(headers, 'x-accel-buffering')) headers.push('X-Accel-Buffering', 'no')
    this.#log.isStream ||= isEventStream
    this.#isOpenStream =
      isEventStream && isPlain(findHeader(rawHeaders, 'content-encoding')) && !hasHeader(headers, 'content-length')
    if (status >= 200 && status < 300 && (isEventStream || contentType.includes('json'))) {
      const reader = target.plan.channel.createUsageReader({ contentType, isStream })
      this.tee = new UsageTee(reader, resources, findHeader(rawHeaders, 'content-encoding'))
    }
    this.#writeHead(status, reason, headers)
  }

  /** An answer that was held, or was rewritten. False: the client reads too slowly. */
  send({ status, reason, headers, body }: PreparedAnswer): boolean {
    this.#writeHead(status, reason, headers)
    return body.length === 0 || this.write(body)
  }

  /** A rewritten body in the upstream's answer. */
  sendRewritten({ status, reason, rawHeaders, target }: Attempt, body: Uint8Array): void {
    const headers = passResponseHeaders(rawHeaders, target.secret)
    for (const name of ['content-encoding', 'etag', 'content-md5', 'digest', 'trailer']) removeHeader(headers, name)
    setHeader(headers, 'Content-Length', 'content-length', String(body.length))
    this.send({ status, reason, headers, body })
  }

  /** `behind`: as UpstreamReceiver.onData. False: the client reads too slowly. */
  write(chunk: Uint8Array, behind = 0): boolean {
    const log = this.#log
    if (log.firstByteMs === -1) log.firstByteMs = log.elapsedMs()
    log.bytesOut += chunk.length
    if (this.#isOpenStream) this.#noteEnd(chunk)
    this.capture?.add(chunk)
    const isFlowing = this.#exchange.write(chunk)
    if (this.tee !== null && this.tee.push(chunk, behind)) log.firstTokenMs = log.elapsedMs()
    return isFlowing
  }

  get isOpenStream(): boolean {
    return this.#isOpenStream
  }

  /** Between two events only: inside one it would be part of it. */
  sendBetweenEvents(event: string): void {
    const isBetween = this.#lastBytes === twoNewlines || this.#lastBytes === 0
    if (this.#isOpenStream && isBetween) this.write(Buffer.from(event))
  }

  #noteEnd(chunk: Uint8Array): void {
    const before = chunk.length > 1 ? chunk[chunk.length - 2]! : this.#lastBytes & 0xff
    this.#lastBytes = (before << 8) | chunk[chunk.length - 1]!
    // CRLF line ends: the blank line is CR LF CR LF, of which two bytes are as telling as LF LF.
    if (this.#lastBytes === crlf && chunk.length > 3 && chunk[chunk.length - 3] === 0x0a) this.#lastBytes = twoNewlines
  }

  end(rawTrailers: readonly string[]): void {
    this.#exchange.end(rawTrailers)
  }

  /** What an upstream's answer carries to the client, with what is ours. */
  headersOf({ rawHeaders, target }: Attempt): string[] {
    return this.#decorate(passResponseHeaders(rawHeaders, target.secret))
  }

  #decorate(headers: string[]): string[] {
    headers.push(requestIdHeader, this.#log.requestId)
    this.#cors?.decorate(headers, this.#exchange.rawHeaders)
    return headers
  }

  #writeHead(status: number, reason: string, headers: string[]): void {
    this.#decorate(headers)
    this.#log.status = status
    this.capture?.describe(headers)
    this.#exchange.writeHead(status, reason, headers)
  }
}
