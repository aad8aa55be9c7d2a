import type { ReplayBudget } from './replay-budget.ts'

const nothing = new Uint8Array(0)

/**
 * A request body while it arrives. Pieces are kept as they came, up to `maxHeldBytes` and the worker's budget; past either the
 * body is no longer replayable and pieces are let go as soon as they are sent. Attempts read it by index, so that a second
 * one can begin while the first pieces of the rest still arrive.
 */
export class RequestBody {
  readonly #budget: ReplayBudget
  readonly #maxHeldBytes: number
  #pieces: (Uint8Array | null)[] = []
  #whole: Uint8Array | null = null
  #heldBytes = 0
  /** Pieces that were let go: the first so many. */
  #letGo = 0
  bytes = 0
  isComplete = false
  /** From the first byte on; false for good once a piece was let go. */
  isReplayable = true
  rawTrailers: readonly string[] = []

  constructor(budget: ReplayBudget, maxHeldBytes: number) {
    this.#budget = budget
    this.#maxHeldBytes = maxHeldBytes
  }

  get pieceCount(): number {
    return this.#pieces.length
  }

  add(chunk: Uint8Array): void {
    this.bytes += chunk.length
    this.#pieces.push(chunk)
    if (!this.isReplayable) return
    if (this.bytes > this.#maxHeldBytes || !this.#budget.take(chunk.length)) this.#giveBack()
    else this.#heldBytes += chunk.length
  }

  complete(rawTrailers: readonly string[]): void {
    this.isComplete = true
    this.rawTrailers = rawTrailers
  }

  piece(index: number): Uint8Array {
    return this.#pieces[index] ?? nothing
  }

  /** The first so many are sent and, when the body cannot be replayed, not needed again: also those from when it still could. */
  letGo(sent: number): void {
    if (this.isReplayable) return
    for (; this.#letGo < sent; this.#letGo += 1) {
      free(this.piece(this.#letGo))
      this.#pieces[this.#letGo] = null
    }
  }

  /** No other attempt will follow: the first `sent` pieces are let go, the others when they are sent. */
  forgoReplay(sent: number): void {
    this.#giveBack()
    this.letGo(sent)
  }

  /** At most `length` bytes from an offset on, of what has come so far, one character each. */
  text(offset: number, length: number): string {
    let text = ''
    let skip = offset
    for (let index = 0; index < this.#pieces.length && text.length < length; index += 1) {
      const piece = this.piece(index)
      const end = skip + length - text.length
      if (skip < piece.length)
        text += Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1', skip, end)
      skip = Math.max(0, skip - piece.length)
    }
    return text
  }

  /** Every piece is still here. */
  get isAtHand(): boolean {
    return this.isComplete && (this.#pieces.length === 0 || this.#pieces[0] !== null)
  }

  whole(): Uint8Array {
    if (this.#whole !== null) return this.#whole
    const pieces = this.#pieces as Uint8Array[]
    this.#whole = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    // One copy is enough: from here on the joined one serves replays too.
    if (pieces.length > 1) pieces.splice(0, pieces.length, this.#whole)
    return this.#whole
  }

  dispose(): void {
    this.#giveBack()
    // A new list: cutting one short is a call out of V8.
    if (this.#pieces.length > 0) this.#pieces = []
  }

  #giveBack(): void {
    this.#budget.giveBack(this.#heldBytes)
    this.#heldBytes = 0
    this.#whole = null
    this.isReplayable = false
  }
}

/**
 * At once: the collector, which counts objects, would come by when uploads have left tens of megabytes. Only what lies alone in
 * its memory; small pieces share a pool. Whoever sends has copied it (UpstreamExchange.write).
 */
function free({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
