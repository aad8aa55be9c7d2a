import { cr, isFieldByte, lf, space } from './byte-classes.ts'
import { FieldScanner } from './field-scanner.ts'
import { HeadCarry } from './head-carry.ts'
import { isRefused, needsMore, type RefusalCode } from './http1-error.ts'
import { readLatin1 } from './latin1.ts'

/**
 * Heads of answers (RFC 9112 4), as strict as those of requests: an upstream that contradicts itself about where its answer ends
 * is not trusted with the next one. 1xx heads are answers of their own: whoever reads goes on until `isInformational` is false.
 */
export type ResponseHeadBounds = {
  maxHeadBytes: number
  maxHeaders: number
}

export const defaultResponseHeadBounds: ResponseHeadBounds = { maxHeadBytes: 65_536, maxHeaders: 256 }

export type ResponseFraming = 'chunked' | 'length' | 'close' | 'none'

export class ResponseHeadParser {
  /** To be set before each answer: HEAD has none of the body that its head describes (RFC 9110 9.3.2). */
  isHeadRequest = false
  status = 0
  reason = ''
  rawHeaders: string[] = []
  framing: ResponseFraming = 'none'
  /** Of the body that follows, when `framing` is `length`. */
  contentLength = 0
  /** The connection may carry another exchange. */
  isKeepAlive = false
  isInformational = false
  readonly #bounds: ResponseHeadBounds
  readonly #fields: FieldScanner
  /** Made for the first head that comes in pieces: most connections never see one. */
  #carry: HeadCarry | null = null
  #isHttp11 = true
  #reasonStart = 0
  #reasonEnd = 0

  constructor(bounds: ResponseHeadBounds = defaultResponseHeadBounds) {
    this.#bounds = bounds
    this.#fields = new FieldScanner(bounds.maxHeaders)
  }

  get refusal(): RefusalCode {
    return this.#fields.refusal
  }

  get isInside(): boolean {
    return this.#carry !== null && !this.#carry.isEmpty
  }

  /** Answers the offset behind the head, `needsMore` (all bytes are taken) or `isRefused`. */
  parse(bytes: Buffer, from: number): number {
    if (from >= bytes.length) return needsMore
    if (this.isInside) return this.#parsePiece(bytes, from)
    const limit = Math.min(bytes.length, from + this.#bounds.maxHeadBytes)
    const end = this.#scan(bytes, from, limit)
    if (end === needsMore) return limit < bytes.length ? this.#refuse('head_too_large') : this.#parsePiece(bytes, from)
    return end === isRefused ? isRefused : this.#accept(bytes, from, end)
  }

  #parsePiece(bytes: Buffer, from: number): number {
    const carry = (this.#carry ??= new HeadCarry(this.#bounds.maxHeadBytes))
    const end = carry.take(bytes, from)
    if (end === needsMore) return needsMore
    if (end === isRefused && !carry.isOverfull) return this.#refuse('line_break')
    const whole = carry.bytes
    const wholeEnd = this.#scan(whole, 0, whole.length)
    carry.clear()
    if (wholeEnd === needsMore) return this.#refuse('head_too_large')
    if (wholeEnd === isRefused || this.#accept(whole, 0, wholeEnd) === isRefused) return isRefused
    return end
  }

  #scan(bytes: Buffer, from: number, limit: number): number {
    const end = this.#scanLine(bytes, from, limit)
    return end < 0 ? end : this.#fields.scan(bytes, end, limit)
  }

  /** HTTP-version SP 3DIGIT [SP reason-phrase] CRLF; many leave out the last blank with the phrase. */
  #scanLine(bytes: Buffer, from: number, limit: number): number {
    const shared = Math.min(limit - from, versionBytes.length)
    for (let index = 0; index < shared; index += 1)
      if (bytes[from + index] !== versionBytes[index]) return this.#refuse('status_line')
    if (limit - from < 14) return needsMore
    const minor = bytes[from + 7]!
    if ((minor | 1) !== 49 || bytes[from + 8] !== space) return this.#refuse('status_line')
    this.#isHttp11 = minor === 49
    this.status = threeDigits(bytes, from + 9)
    if (this.status < 100) return this.#refuse('status_line')
    let at = from + 12
    if (bytes[at] === space) {
      at += 1
      this.#reasonStart = at
      while (at < limit && isFieldByte[bytes[at]!] === 1) at += 1
    } else this.#reasonStart = at
    this.#reasonEnd = at
    if (at + 1 >= limit) return at < limit && bytes[at] !== cr ? this.#refuse('status_line') : needsMore
    return bytes[at] === cr && bytes[at + 1] === lf ? at + 2 : this.#refuse('status_line')
  }

  #accept(bytes: Buffer, from: number, end: number): number {
    const fields = this.#fields
    const { status } = this
    if (fields.isChunked && !this.#isHttp11) return this.#refuse('coding_in_http10')
    if (fields.isChunked && (status < 200 || status === 204)) return this.#refuse('body_not_allowed')
    if (fields.contentLength > 0 && status < 200) return this.#refuse('body_not_allowed')
    const text = readLatin1(bytes, from, end)
    this.reason = reasonOf(status, text.substring(this.#reasonStart - from, this.#reasonEnd - from))
    this.isInformational = status < 200
    this.framing = this.#framing()
    this.contentLength = this.framing === 'length' ? fields.contentLength : 0
    this.isKeepAlive = this.#isReusable()
    this.rawHeaders = fields.pairs(bytes, text, from)
    return end
  }

  /** RFC 9112 6.3. */
  #framing(): ResponseFraming {
    const { status } = this
    if (this.isHeadRequest || status < 200 || status === 204 || status === 304) return 'none'
    if (this.#fields.isChunked) return 'chunked'
    return this.#fields.contentLength === -1 ? 'close' : 'length'
  }

  /** Not behind a body that may be sent though none is allowed: to others its bytes could be an answer. */
  #isReusable(): boolean {
    const { status } = this
    const fields = this.#fields
    if (this.framing === 'close' || fields.saysClose) return false
    if (status === 204 && fields.contentLength > 0) return false
    if (status === 304 && fields.isChunked) return false
    return this.#isHttp11 || fields.saysKeepAlive
  }

  #refuse(code: RefusalCode): number {
    return this.#fields.refuse(code)
  }
}

const versionBytes = Buffer.from('HTTP/1.')

/** 0 = no three digits. */
function threeDigits(bytes: Buffer, at: number): number {
  let value = 0
  for (let index = at; index < at + 3; index += 1) {
    const digit = bytes[index]! - 48
    if (digit < 0 || digit > 9) return 0
    value = value * 10 + digit
  }
  return value
}

/** The usual one is a constant, so that its text is not kept alive by a slice of the head. */
function reasonOf(status: number, reason: string): string {
  return status === 200 && reason === 'OK' ? 'OK' : reason
}
