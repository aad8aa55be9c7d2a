import { cr, isTargetByte, isToken, lf, space } from './byte-classes.ts'
import { FieldScanner } from './field-scanner.ts'
import { HeadCarry } from './head-carry.ts'
import { isRefused, needsMore, type RefusalCode } from './http1-error.ts'
import { keptText } from './kept-texts.ts'
import { readLatin1 } from './latin1.ts'
import { RepeatedHead } from './repeated-head.ts'

/**
 * Heads of requests (RFC 9112 3), strict: what is accepted here every sound parser reads in the same way (README.md). One object
 * per connection, read after `parse` answered an offset and before the next call. A head that is whole in one buffer is read in
 * one pass and decoded once; one that comes in pieces goes through HeadCarry.
 */
export type RequestHeadBounds = {
  maxHeadBytes: number
  maxHeaders: number
  maxTargetBytes: number
}

export const defaultRequestHeadBounds: RequestHeadBounds = {
  maxHeadBytes: 65_536,
  maxHeaders: 256,
  maxTargetBytes: 32_768,
}

export class RequestHeadParser {
  method = ''
  /** Origin form as it came, or `*`. */
  target = ''
  version: '1.0' | '1.1' = '1.1'
  rawHeaders: string[] = []
  /** -1 = chunked, 0 = no body. */
  contentLength = 0
  isKeepAlive = false
  expectsContinue = false
  isUpgrade = false
  readonly #bounds: RequestHeadBounds
  readonly #fields: FieldScanner
  /** Made for the first head that comes in pieces: most connections never see one. */
  #carry: HeadCarry | null = null
  readonly #repeated = new RepeatedHead()
  #methodEnd = 0
  #targetEnd = 0
  #lineStart = 0

  constructor(bounds: RequestHeadBounds = defaultRequestHeadBounds) {
    this.#bounds = bounds
    this.#fields = new FieldScanner(bounds.maxHeaders)
  }

  /** Why the last head was refused. */
  get refusal(): RefusalCode {
    return this.#fields.refusal
  }

  /** Part of a head has come. */
  get isInside(): boolean {
    return this.#carry !== null && !this.#carry.isEmpty
  }

  /** Answers the offset behind the head, `needsMore` (all bytes are taken) or `isRefused`: then the connection is of no use. */
  parse(bytes: Buffer, from: number): number {
    if (from >= bytes.length) return needsMore
    if (this.isInside) return this.#parsePiece(bytes, from)
    const limit = Math.min(bytes.length, from + this.#bounds.maxHeadBytes)
    const repeatedEnd = this.#repeated.matchEnd(bytes, from, limit)
    if (repeatedEnd !== -1) return this.#repeat(repeatedEnd)
    const end = this.#scan(bytes, from, limit)
    if (end === needsMore) return limit < bytes.length ? this.#refuse('head_too_large') : this.#parsePiece(bytes, from)
    return end === isRefused ? isRefused : this.#accept(bytes, end)
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
    if (wholeEnd === isRefused || this.#accept(whole, wholeEnd) === isRefused) return isRefused
    return end
  }

  #scan(bytes: Buffer, from: number, limit: number): number {
    // One empty line ahead of a request is ignored (RFC 9112 2.2).
    const isBehindLine = bytes[from] === cr && from + 1 < limit && bytes[from + 1] === lf
    const end = this.#scanLine(bytes, isBehindLine ? from + 2 : from, limit)
    return end < 0 ? end : this.#fields.scan(bytes, end, limit)
  }

  /** method SP request-target SP HTTP-version CRLF, one blank each (RFC 9112 3). */
  #scanLine(bytes: Buffer, from: number, limit: number): number {
    this.#lineStart = from
    let at = from
    while (at < limit && isToken[bytes[at]!] === 1) at += 1
    if (at - from > maxMethodBytes) return this.#refuse('method_unknown')
    if (at === limit || (at === from && bytes[at] === cr && at + 1 === limit)) return needsMore
    if (bytes[at] !== space || at === from) return this.#refuse(bytes[at] === lf ? 'line_break' : 'request_line')
    this.#methodEnd = at
    const targetStart = at + 1
    const targetLimit = Math.min(limit, targetStart + this.#bounds.maxTargetBytes + 1)
    at = targetStart
    while (at < targetLimit && isTargetByte[bytes[at]!] === 1) at += 1
    if (at - targetStart > this.#bounds.maxTargetBytes) return this.#refuse('target_too_long')
    if (at === limit) return needsMore
    if (bytes[at] !== space || at === targetStart) return this.#refuse('request_line')
    this.#targetEnd = at
    return this.#scanVersion(bytes, at + 1, limit)
  }

  #scanVersion(bytes: Buffer, from: number, limit: number): number {
    const shared = Math.min(limit - from, versionBytes.length)
    for (let index = 0; index < shared; index += 1)
      if (bytes[from + index] !== versionBytes[index]) return this.#refuse('request_line')
    const end = from + 10
    if (end > limit) return needsMore
    if (bytes[end - 2] !== cr || bytes[end - 1] !== lf) return this.#refuse('request_line')
    const isKnown = bytes[from + 5] === 49 && bytes[from + 6] === 46 && (bytes[from + 7]! | 1) === 49
    if (!isKnown) return this.#refuse(isVersion(bytes, from + 5) ? 'version_unknown' : 'request_line')
    this.version = bytes[from + 7] === 49 ? '1.1' : '1.0'
    return end
  }

  /** All else is as it was. */
  #repeat(end: number): number {
    const { contentLength } = this.#repeated
    if (contentLength === -1 || contentLength === this.contentLength) return end
    const headers = [...this.rawHeaders]
    headers[this.#fields.lengthField * 2 + 1] = String(contentLength)
    this.rawHeaders = headers
    this.contentLength = contentLength
    return end
  }

  #accept(bytes: Buffer, end: number): number {
    const fields = this.#fields
    const lineStart = this.#lineStart
    const hasLength = fields.lengthField !== -1
    const text = readLatin1(bytes, lineStart, hasLength ? fields.lengthStart : end)
    const behind = hasLength ? readLatin1(bytes, fields.lengthEnd, end) : ''
    this.method = methodOf(bytes, lineStart, text, this.#methodEnd - lineStart)
    if (this.method === '') return this.#refuse('method_unknown')
    this.target = this.#targetOf(bytes, text)
    if (!this.#hasOwnTarget()) return this.#refuse('target_form')
    const isHttp11 = this.version === '1.1'
    if (fields.hostCount > 1) return this.#refuse('host_repeated')
    if (isHttp11 && fields.hostCount === 0) return this.#refuse('host_missing')
    if (fields.isChunked && !isHttp11) return this.#refuse('coding_in_http10')
    this.contentLength = fields.isChunked ? -1 : Math.max(0, fields.contentLength)
    this.isKeepAlive = !fields.saysClose && (isHttp11 || fields.saysKeepAlive)
    this.expectsContinue = isHttp11 && fields.expectsContinue && this.contentLength !== 0
    this.isUpgrade = isHttp11 && fields.saysUpgrade && fields.hasUpgrade
    this.rawHeaders = fields.pairs(bytes, text, lineStart, behind)
    this.#repeated.keep(this.#isRepeatable(bytes) ? text : '', behind)
    return end
  }

  /** Whether 100 is expected depends on the length too; with a nought ahead the number does not tell its digits. */
  #isRepeatable(bytes: Buffer): boolean {
    const { expectsContinue, lengthField, lengthStart, lengthEnd } = this.#fields
    const hasNought = lengthField !== -1 && bytes[lengthStart] === 48 && lengthEnd > lengthStart + 1
    return !expectsContinue && !hasNought
  }

  /** A query may hold a secret, which nobody else's table should keep. */
  #targetOf(bytes: Buffer, text: string): string {
    const [start, end] = [this.#methodEnd + 1, this.#targetEnd]
    const target = text.substring(start - this.#lineStart, end - this.#lineStart)
    return target.includes('?') ? target : keptText(bytes, start, end)
  }

  #hasOwnTarget(): boolean {
    if (this.method === 'CONNECT') return false
    return this.target.charCodeAt(0) === 47 || (this.target === '*' && this.method === 'OPTIONS')
  }

  #refuse(code: RefusalCode): number {
    return this.#fields.refuse(code)
  }
}

const versionBytes = Buffer.from('HTTP/')

function isVersion(bytes: Buffer, at: number): boolean {
  return isDigit(bytes[at]!) && bytes[at + 1] === 46 && isDigit(bytes[at + 2]!)
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57
}

/** The registered ones that llhttp knows too; matched by case (RFC 9110 9.1). */
const methods: ReadonlySet<string> = new Set(
  (
    'GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT QUERY COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK ' +
    'BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE MKCALENDAR LINK UNLINK'
  ).split(' '),
)
const maxMethodBytes = 16

/** '' = unknown. Two of them are nearly all there is, and cost no text. */
function methodOf(bytes: Buffer, start: number, text: string, length: number): string {
  if (length === 4 && bytes[start] === 80 && bytes[start + 1] === 79 && text.startsWith('POST')) return 'POST'
  if (length === 3 && bytes[start] === 71 && text.startsWith('GET')) return 'GET'
  const method = text.substring(0, length)
  return methods.has(method) ? method : ''
}
