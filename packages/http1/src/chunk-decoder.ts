import { cr, hexValues, isFieldByte, isToken, lf } from './byte-classes.ts'
import { FieldScanner } from './field-scanner.ts'
import { HeadCarry } from './head-carry.ts'
import { isRefused, needsMore, type RefusalCode } from './http1-error.ts'
import { readLatin1 } from './latin1.ts'

/**
 * Chunked bodies (RFC 9112 7.1), every frame checked: at most 13 hex digits, CRLF and nothing like it, extensions of legal
 * characters without blanks and bounded per chunk, trailers by the rules of header fields and never framing or Host.
 *
 * `decode` moves the payload of one read together inside its own buffer, so that whoever takes it gets one piece per read,
 * however small the chunks are; a read of one chunk is not moved at all. `decodePieces` moves small chunks only and leaves what
 * surrounds the others as it came. One object per connection, reset between bodies.
 */
export interface ChunkReceiver {
  /** `behind`: how many bytes of the same read are not handed on yet, frames included. */
  onChunk(payload: Buffer, behind: number): void
}

export type ChunkBounds = {
  maxExtensionBytes: number
  maxTrailerBytes: number
  maxTrailers: number
}

export const defaultChunkBounds: ChunkBounds = { maxExtensionBytes: 1_024, maxTrailerBytes: 16_384, maxTrailers: 64 }

/** Moving so much costs more than handing it on by itself. */
const largePieceBytes = 4_096

/** 2^52 at most, exact as a number. */
const maxSizeDigits = 13

const inSize = 0
const inSizeEnd = 1
const inPayload = 2
const inPayloadEnd = 3
const inPayloadLf = 4
const inTrailers = 5
const inExtensionName = 6
const inExtensionValue = 7
const inQuotedValue = 8
const inQuotedPair = 9
const behindQuotedValue = 10

export class ChunkDecoder {
  /** Where `decode` left the payload of its read. */
  dataStart = 0
  dataEnd = 0
  rawTrailers: string[] = []
  refusal: RefusalCode = 'chunk_size'
  readonly #bounds: ChunkBounds
  #state = inSize
  #digits = 0
  /** Of the chunk's size; then what of its payload is to come. */
  #remaining = 0
  #extensionBytes = 0
  /** Part of an extension's name or value that has come. */
  #tokenBytes = 0
  #trailers: FieldScanner | null = null
  #carry: HeadCarry | null = null

  constructor(bounds: ChunkBounds = defaultChunkBounds) {
    this.#bounds = bounds
  }

  reset(): void {
    this.rawTrailers = []
    this.#startChunk()
  }

  /** Answers the offset behind the body, `needsMore` or `isRefused`; payload is between `dataStart` and `dataEnd` in any case. */
  decode(bytes: Buffer, from: number): number {
    this.dataStart = from
    this.dataEnd = from
    let at = from
    while (at < bytes.length) {
      if (this.#state === inPayload) {
        const end = this.#takePayload(at, bytes.length)
        this.#gather(bytes, at, end)
        at = end
      } else if (this.#state === inTrailers) return this.#readTrailers(bytes, at)
      else if (this.#readFrameByte(bytes[at]!)) at += 1
      else return isRefused
    }
    return needsMore
  }

  /** As `decode`, but large pieces stay where they lie and are handed on by themselves, in order with what was moved together. */
  decodePieces(bytes: Buffer, from: number, receiver: ChunkReceiver): number {
    this.dataStart = from
    this.dataEnd = from
    let at = from
    let end: number = needsMore
    while (at < bytes.length && end === needsMore) {
      if (this.#state === inPayload) {
        const start = at
        at = this.#takePayload(start, bytes.length)
        if (at - start < largePieceBytes) this.#gather(bytes, start, at)
        else {
          this.#handOver(bytes, receiver, bytes.length - start)
          receiver.onChunk(bytes.subarray(start, at), bytes.length - at)
        }
      } else if (this.#state === inTrailers) {
        end = this.#readTrailers(bytes, at)
        break
      } else if (this.#readFrameByte(bytes[at]!)) at += 1
      else end = isRefused
    }
    this.#handOver(bytes, receiver, 0)
    return end
  }

  /** What was moved together. */
  #handOver(bytes: Buffer, receiver: ChunkReceiver, behind: number): void {
    const { dataStart, dataEnd } = this
    this.dataStart = dataEnd
    if (dataEnd > dataStart) receiver.onChunk(bytes.subarray(dataStart, dataEnd), behind)
  }

  #gather(bytes: Buffer, start: number, end: number): void {
    if (this.dataEnd === this.dataStart) {
      this.dataStart = start
      this.dataEnd = end
    } else {
      bytes.copyWithin(this.dataEnd, start, end)
      this.dataEnd += end - start
    }
  }

  #takePayload(at: number, limit: number): number {
    const end = Math.min(limit, at + this.#remaining)
    this.#remaining -= end - at
    if (this.#remaining === 0) this.#state = inPayloadEnd
    return end
  }

  #readFrameByte(byte: number): boolean {
    switch (this.#state) {
      case inSize:
        return this.#readSize(byte)
      case inSizeEnd:
        return byte === lf ? this.#endSize() : this.#refuse('chunk_size')
      case inPayloadEnd:
        this.#state = inPayloadLf
        return byte === cr || this.#refuse('chunk_end')
      case inPayloadLf:
        this.#startChunk()
        return byte === lf || this.#refuse('chunk_end')
      default:
        return this.#readExtension(byte)
    }
  }

  #readSize(byte: number): boolean {
    const digit = hexValues[byte]!
    if (digit >= 0) {
      this.#remaining = this.#remaining * 16 + digit
      this.#digits += 1
      return this.#digits <= maxSizeDigits || this.#refuse('chunk_size')
    }
    if (this.#digits === 0) return this.#refuse('chunk_size')
    if (byte === cr) this.#state = inSizeEnd
    else if (byte === semicolon) this.#startExtension()
    else return this.#refuse('chunk_size')
    return true
  }

  #endSize(): boolean {
    this.#state = this.#remaining === 0 ? inTrailers : inPayload
    return true
  }

  #startChunk(): void {
    this.#state = inSize
    this.#digits = 0
    this.#remaining = 0
    this.#extensionBytes = 0
  }

  #startExtension(): void {
    this.#state = inExtensionName
    this.#tokenBytes = 0
  }

  /** ";" name [ "=" ( token / quoted-string ) ], any number of times (RFC 9112 7.1.1). */
  #readExtension(byte: number): boolean {
    this.#extensionBytes += 1
    if (this.#extensionBytes > this.#bounds.maxExtensionBytes) return this.#refuse('chunk_extension_too_long')
    if (this.#state === inQuotedValue) return this.#readQuoted(byte)
    if (this.#state === inQuotedPair) {
      this.#state = inQuotedValue
      return isFieldByte[byte] === 1 || this.#refuse('chunk_extension')
    }
    if (this.#state === behindQuotedValue) return this.#endExtension(byte)
    if (isToken[byte] === 1) {
      this.#tokenBytes += 1
      return true
    }
    if (byte === quote && this.#state === inExtensionValue && this.#tokenBytes === 0) {
      this.#state = inQuotedValue
      return true
    }
    if (this.#tokenBytes === 0) return this.#refuse('chunk_extension')
    if (byte !== equals || this.#state === inExtensionValue) return this.#endExtension(byte)
    this.#state = inExtensionValue
    this.#tokenBytes = 0
    return true
  }

  #readQuoted(byte: number): boolean {
    if (byte === quote) this.#state = behindQuotedValue
    else if (byte === backslash) this.#state = inQuotedPair
    else return isFieldByte[byte] === 1 || this.#refuse('chunk_extension')
    return true
  }

  #endExtension(byte: number): boolean {
    if (byte === cr) this.#state = inSizeEnd
    else if (byte === semicolon) this.#startExtension()
    else return this.#refuse('chunk_extension')
    return true
  }

  #readTrailers(bytes: Buffer, from: number): number {
    const isPiece = this.#carry !== null && !this.#carry.isEmpty
    if (!isPiece && bytes[from] === cr && bytes[from + 1] === lf) return this.#end(from + 2)
    this.#trailers ??= new FieldScanner(this.#bounds.maxTrailers)
    this.#carry ??= new HeadCarry(this.#bounds.maxTrailerBytes)
    if (!isPiece) this.#carry.startBehindLine()
    const end = this.#carry.take(bytes, from)
    if (end === needsMore) return needsMore
    if (end === isRefused) {
      this.#refuse(this.#carry.isOverfull ? 'trailers_too_large' : 'line_break')
      return isRefused
    }
    return this.#acceptTrailers(this.#carry, this.#trailers) ? this.#end(end) : isRefused
  }

  #acceptTrailers(carry: HeadCarry, trailers: FieldScanner): boolean {
    const { bytes } = carry
    carry.clear()
    if (trailers.scan(bytes, 0, bytes.length) < 0) return this.#refuse(trailers.refusal)
    const isForbidden = trailers.hostCount > 0 || trailers.contentLength !== -1 || trailers.isChunked
    if (isForbidden) return this.#refuse('trailer_forbidden')
    this.rawTrailers = trailers.pairs(bytes, readLatin1(bytes, 0, bytes.length), 0)
    return true
  }

  #end(offset: number): number {
    this.#startChunk()
    return offset
  }

  #refuse(code: RefusalCode): false {
    this.refusal = code
    return false
  }
}

const semicolon = 59
const equals = 61
const quote = 34
const backslash = 92
