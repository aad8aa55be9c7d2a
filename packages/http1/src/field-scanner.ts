import { colon, cr, equalsText, isFieldByte, isToken, lf, lowerText, space, tab } from './byte-classes.ts'
import { keptText } from './kept-texts.ts'
import { isHost } from './host-field.ts'
import { isRefused, needsMore, type RefusalCode } from './http1-error.ts'
import { readLatin1 } from './latin1.ts'

const hostText = lowerText('host')
const expectText = lowerText('expect')
const upgradeText = lowerText('upgrade')
const connectionText = lowerText('connection')
const contentLengthText = lowerText('content-length')
const transferEncodingText = lowerText('transfer-encoding')
const continueText = lowerText('100-continue')
const chunkedText = lowerText('chunked')
const keepAliveText = lowerText('keep-alive')
const closeText = lowerText('close')

/**
 * Four per field: start and end of its name and of its value. One for all scanners, since each is asked for its pairs before
 * the next one scans: an idle connection holds none of its 4 KiB.
 */
let positions = new Int32Array(1_024)

/**
 * Reads header fields up to the empty line: one pass over the bytes, positions kept in a typed array, so that text is decoded
 * once for the whole head. Reads on the way what framing and the connection depend on. Shared by heads of both directions and
 * trailers. Invariant: after `scan` answered an offset, every name is a token, every value free of control characters, and there
 * was at most one Content-Length, one Transfer-Encoding, never both.
 */
export class FieldScanner {
  readonly #maxFields: number
  fieldCount = 0
  refusal: RefusalCode = 'line_break'
  /** -1 = none. */
  contentLength = -1
  /** Which field it is; its digits stand from `lengthStart` to `lengthEnd` of the bytes that were scanned. */
  lengthField = -1
  lengthStart = -1
  lengthEnd = -1
  isChunked = false
  hostCount = 0
  expectsContinue = false
  hasUpgrade = false
  saysClose = false
  saysKeepAlive = false
  saysUpgrade = false

  constructor(maxFields: number) {
    this.#maxFields = maxFields
    if (positions.length < maxFields * 4) positions = new Int32Array(maxFields * 4)
  }

  /** Answers the offset behind the empty line, `needsMore` or `isRefused`. */
  scan(bytes: Uint8Array, from: number, limit: number): number {
    this.#reset()
    let at = from
    for (;;) {
      if (at >= limit) return needsMore
      const nameStart = at
      while (at < limit && isToken[bytes[at]!] === 1) at += 1
      if (at >= limit) return needsMore
      if (at === nameStart && bytes[at] === cr) return this.#endOfFields(bytes, at, limit)
      if (at === nameStart || bytes[at] !== colon) return this.#refuseName(bytes, nameStart, at)
      const nameEnd = at
      at += 1
      while (at < limit && isBlank(bytes[at]!)) at += 1
      const valueStart = at
      while (at < limit && isFieldByte[bytes[at]!] === 1) at += 1
      if (at >= limit) return needsMore
      if (bytes[at] !== cr) return this.refuse(bytes[at] === lf ? 'line_break' : 'header_value')
      if (at + 1 >= limit) return needsMore
      if (bytes[at + 1] !== lf) return this.refuse('line_break')
      let valueEnd = at
      while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1]!)) valueEnd -= 1
      at += 2
      if (!this.#keep(nameStart, nameEnd, valueStart, valueEnd)) return isRefused
      if (!this.#note(bytes, nameStart, nameEnd, valueStart, valueEnd)) return isRefused
    }
  }

  /**
   * Pairs in wire order, of the bytes that were scanned; `text` holds their latin1 from `textStart` on. With `behind` it ends at
   * Content-Length's digits, and that follows them.
   */
  pairs(bytes: Buffer, text: string, textStart: number, behind = ''): string[] {
    const count = this.fieldCount
    const lengthField = behind === '' ? count : this.lengthField
    // oxlint-disable-next-line unicorn/no-new-array -- filled below; growing it by pushes costs 300 ns a head
    const raw = new Array<string>(count * 2)
    for (let field = 0; field < count; field += 1) {
      const at = field * 4
      const [source, base] = field <= lengthField ? [text, textStart] : [behind, this.lengthEnd]
      raw[field * 2] = keptText(bytes, positions[at]!, positions[at + 1]!)
      raw[field * 2 + 1] = source.substring(positions[at + 2]! - base, positions[at + 3]! - base)
    }
    if (behind !== '') raw[lengthField * 2 + 1] = readLatin1(bytes, this.lengthStart, this.lengthEnd)
    return raw
  }

  refuse(code: RefusalCode): number {
    this.refusal = code
    return isRefused
  }

  #reset(): void {
    this.fieldCount = 0
    this.contentLength = -1
    this.lengthField = -1
    this.lengthStart = -1
    this.lengthEnd = -1
    this.isChunked = false
    this.hostCount = 0
    this.expectsContinue = false
    this.hasUpgrade = false
    this.saysClose = false
    this.saysKeepAlive = false
    this.saysUpgrade = false
  }

  #endOfFields(bytes: Uint8Array, at: number, limit: number): number {
    if (at + 1 >= limit) return needsMore
    return bytes[at + 1] === lf ? at + 2 : this.refuse('line_break')
  }

  #refuseName(bytes: Uint8Array, nameStart: number, at: number): number {
    const byte = bytes[at]
    if (byte === lf) return this.refuse('line_break')
    const isFolded = at === nameStart && (byte === space || byte === tab)
    return this.refuse(isFolded ? 'header_folded' : 'header_name')
  }

  #keep(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): boolean {
    const field = this.fieldCount
    if (field === this.#maxFields) return this.#fault('too_many_headers')
    const at = field * 4
    positions[at] = nameStart
    positions[at + 1] = nameEnd
    positions[at + 2] = valueStart
    positions[at + 3] = valueEnd
    this.fieldCount = field + 1
    return true
  }

  /** The length of its name tells nearly every field that does not matter here. */
  #note(bytes: Uint8Array, nameStart: number, nameEnd: number, start: number, end: number): boolean {
    switch (nameEnd - nameStart) {
      case 4:
        return equalsText(bytes, nameStart, nameEnd, hostText) ? this.#noteHost(bytes, start, end) : true
      case 6:
        return equalsText(bytes, nameStart, nameEnd, expectText) ? this.#noteExpect(bytes, start, end) : true
      case 7:
        if (equalsText(bytes, nameStart, nameEnd, upgradeText)) this.hasUpgrade = true
        return true
      case 10:
        if (equalsText(bytes, nameStart, nameEnd, connectionText)) this.#noteConnection(bytes, start, end)
        return true
      case 14:
        return equalsText(bytes, nameStart, nameEnd, contentLengthText) ? this.#noteLength(bytes, start, end) : true
      case 17:
        return equalsText(bytes, nameStart, nameEnd, transferEncodingText) ? this.#noteCoding(bytes, start, end) : true
      default:
        return true
    }
  }

  #noteHost(bytes: Uint8Array, start: number, end: number): boolean {
    this.hostCount += 1
    return isHost(bytes, start, end) || this.#fault('host_malformed')
  }

  #noteExpect(bytes: Uint8Array, start: number, end: number): boolean {
    this.expectsContinue = equalsText(bytes, start, end, continueText)
    return this.expectsContinue || this.#fault('expectation_unknown')
  }

  /** 1*DIGIT below 2^53 (RFC 9110 8.6); a sign, a blank or a list is none. */
  #noteLength(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.contentLength !== -1) return this.#fault('length_repeated')
    if (this.isChunked) return this.#fault('length_and_coding')
    if (end === start || end - start > 16 || hasTabBehind(bytes, end)) return this.#fault('length_malformed')
    let length = 0
    for (let at = start; at < end; at += 1) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) return this.#fault('length_malformed')
      length = length * 10 + digit
    }
    this.contentLength = length
    this.lengthField = this.fieldCount - 1
    this.lengthStart = start
    this.lengthEnd = end
    return length <= Number.MAX_SAFE_INTEGER || this.#fault('length_malformed')
  }

  #noteCoding(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isChunked) return this.#fault('coding_repeated')
    if (this.contentLength !== -1) return this.#fault('length_and_coding')
    this.isChunked = equalsText(bytes, start, end, chunkedText) && !hasTabBehind(bytes, end)
    return this.isChunked || this.#fault('coding_unknown')
  }

  /** A list, in one field or several (RFC 9110 7.6.1). */
  #noteConnection(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += 1) {
      while (at < end && isBlank(bytes[at]!)) at += 1
      const optionStart = at
      while (at < end && bytes[at] !== comma) at += 1
      let optionEnd = at
      while (optionEnd > optionStart && isBlank(bytes[optionEnd - 1]!)) optionEnd -= 1
      if (equalsText(bytes, optionStart, optionEnd, keepAliveText)) this.saysKeepAlive = true
      else if (equalsText(bytes, optionStart, optionEnd, closeText)) this.saysClose = true
      else if (equalsText(bytes, optionStart, optionEnd, upgradeText)) this.saysUpgrade = true
    }
  }

  #fault(code: RefusalCode): false {
    this.refusal = code
    return false
  }
}

const comma = 44

function isBlank(byte: number): boolean {
  return byte === space || byte === tab
}

/** A legal blank, but there are parsers (llhttp) that take `chunked` and a tab for another coding: no framing hangs on it. */
function hasTabBehind(bytes: Uint8Array, end: number): boolean {
  let at = end
  while (bytes[at] === space) at += 1
  return bytes[at] === tab
}
