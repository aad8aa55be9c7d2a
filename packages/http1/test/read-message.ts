import { ChunkDecoder } from '../src/chunk-decoder.ts'
import { isRefused, needsMore, type RefusalCode } from '../src/http1-error.ts'
import { RequestHeadParser } from '../src/request-head-parser.ts'
import { ResponseHeadParser } from '../src/response-head-parser.ts'

/** One whole message through our parsers, from bytes cut at the given places. */
export type ReadMessage = {
  outcome: 'complete' | 'needs more' | RefusalCode
  method: string
  target: string
  status: number
  reason: string
  version: string
  rawHeaders: string[]
  rawTrailers: string[]
  body: string
  isKeepAlive: boolean
  isUpgrade: boolean
  framing: string
  consumed: number
}

export function readRequest(bytes: Buffer, cuts: readonly number[] = []): ReadMessage {
  const parser = new RequestHeadParser()
  const reader = new MessageReader(
    (piece, from) => parser.parse(piece, from),
    () => parser.contentLength,
  )
  const outcome = reader.read(bytes, cuts, () => parser.refusal)
  return {
    ...emptyMessage(),
    ...reader.result(outcome),
    method: parser.method,
    target: parser.target,
    version: parser.version,
    rawHeaders: parser.rawHeaders,
    isKeepAlive: parser.isKeepAlive,
    isUpgrade: parser.isUpgrade,
    framing: String(parser.contentLength),
  }
}

/** An answer that ends with the connection ends with the bytes. */
export function readResponse(
  bytes: Buffer,
  cuts: readonly number[] = [],
  isHeadRequest = false,
  isInPieces = false,
): ReadMessage {
  const parser = new ResponseHeadParser()
  parser.isHeadRequest = isHeadRequest
  const length = () => {
    if (parser.framing === 'chunked') return -1
    return parser.framing === 'close' ? Infinity : parser.contentLength
  }
  const reader = new MessageReader((piece, from) => parser.parse(piece, from), length, isInPieces)
  const outcome = reader.read(bytes, cuts, () => parser.refusal)
  return {
    ...emptyMessage(),
    ...reader.result(outcome),
    status: parser.status,
    reason: parser.reason,
    rawHeaders: parser.rawHeaders,
    isKeepAlive: parser.isKeepAlive,
    framing: parser.framing,
  }
}

class MessageReader {
  readonly #parseHead: (bytes: Buffer, from: number) => number
  readonly #length: () => number
  readonly #chunks = new ChunkDecoder()
  readonly #body: string[] = []
  #remaining = -2
  #consumed = 0

  readonly #isInPieces: boolean

  constructor(parseHead: (bytes: Buffer, from: number) => number, length: () => number, isInPieces = false) {
    this.#parseHead = parseHead
    this.#length = length
    this.#isInPieces = isInPieces
  }

  read(bytes: Buffer, cuts: readonly number[], refusalOfHead: () => RefusalCode): ReadMessage['outcome'] {
    let start = 0
    for (const cut of [...cuts, bytes.length]) {
      // A copy: parsers may keep nothing of a buffer and may move payload inside it.
      const piece = Buffer.from(bytes.subarray(start, cut))
      const end = this.#readPiece(piece)
      piece.fill(0)
      if (end === isRefused) return this.#remaining === -2 ? refusalOfHead() : this.#chunks.refusal
      if (end !== needsMore) {
        this.#consumed = start + end
        return 'complete'
      }
      start = cut
    }
    return this.#remaining === Infinity ? 'complete' : 'needs more'
  }

  result(outcome: ReadMessage['outcome']): Partial<ReadMessage> {
    return {
      outcome,
      body: this.#body.join(''),
      rawTrailers: this.#chunks.rawTrailers,
      consumed: this.#consumed,
    }
  }

  #readPiece(piece: Buffer): number {
    let from = 0
    if (this.#remaining === -2) {
      from = this.#parseHead(piece, 0)
      if (from < 0) return from
      this.#remaining = this.#length()
    }
    if (this.#remaining === -1 && this.#isInPieces)
      return this.#chunks.decodePieces(piece, from, {
        onChunk: (payload) => void this.#body.push(payload.toString('latin1')),
      })
    if (this.#remaining === -1) {
      const end = this.#chunks.decode(piece, from)
      this.#body.push(piece.toString('latin1', this.#chunks.dataStart, this.#chunks.dataEnd))
      return end
    }
    const end = Math.min(piece.length, from + this.#remaining)
    this.#body.push(piece.toString('latin1', from, end))
    this.#remaining -= end - from
    return this.#remaining === 0 ? end : needsMore
  }
}

function emptyMessage(): ReadMessage {
  return {
    outcome: 'needs more',
    method: '',
    target: '',
    status: 0,
    reason: '',
    version: '1.1',
    rawHeaders: [],
    rawTrailers: [],
    body: '',
    isKeepAlive: false,
    isUpgrade: false,
    framing: '',
    consumed: 0,
  }
}
