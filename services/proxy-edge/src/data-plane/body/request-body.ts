import type { BodyBlock, BodyMemory } from './body-memory.ts'
import type { ReplayBudget } from './replay-budget.ts'

const nothing = new Uint8Array(0)
/** Shorter ones share the slab of Node's small buffers: a block would mostly stay empty, for as long as a model thinks. */
const minBlockBytes = 2_048
/** A smaller body goes out as one buffer; of a larger one this much is scanned before the first attempt. */
export const startBytes = 65_536

export type RequestBodyOptions = {
  memory: BodyMemory
  budget: ReplayBudget
  maxHeldBytes: number
  /** -1 = not known. */
  contentLength: number
}

/**
 * A request body while it arrives. Pieces are copied and kept, up to `maxHeldBytes` and the worker's budget; past either the
 * body is no longer replayable and pieces are let go as soon as they are sent. Attempts read it by index, so that a second
 * one can begin while the first pieces of the rest still arrive. A body that fits into one block lies there in one piece.
 */
export class RequestBody {
  readonly #options: RequestBodyOptions
  readonly #isSmall: boolean
  #pieces: (Uint8Array | null)[] = []
  /** Those in use, in the order of their pieces; the last one is being filled. */
  #blocks: BodyBlock[] = noBlocks
  #whole: Uint8Array | null = null
  /** Taken from the budget. */
  #heldBytes = 0
  /** Pieces that were let go: the first so many. */
  #letGo = 0
  bytes = 0
  isComplete = false
  /** From the first byte on; false for good once a piece was let go. */
  isReplayable = true
  rawTrailers: readonly string[] = []

  constructor(options: RequestBodyOptions) {
    this.#options = options
    const { contentLength } = options
    this.#isSmall = contentLength >= 0 && contentLength < minBlockBytes
  }

  get pieceCount(): number {
    return this.#pieces.length
  }

  /** The bytes are the caller's again when it returns. */
  add(chunk: Uint8Array): void {
    const takenBytes = this.#isSmall ? this.#keepSmall(chunk) : this.#keep(chunk)
    this.bytes += chunk.length
    if (!this.isReplayable) return
    const { budget, maxHeldBytes } = this.#options
    if (this.bytes > maxHeldBytes || !budget.take(takenBytes)) this.#giveBack()
    else this.#heldBytes += takenBytes
  }

  complete(rawTrailers: readonly string[]): void {
    this.isComplete = true
    this.rawTrailers = rawTrailers
  }

  piece(index: number): Uint8Array {
    return this.#pieces[index] ?? nothing
  }

  /**
   * The first so many are sent and, when the body cannot be replayed, not needed again: also those from when it still could.
   * Whoever sends has copied them (UpstreamExchange.write).
   */
  letGo(sent: number): void {
    if (this.isReplayable) return
    for (; this.#letGo < sent; this.#letGo += 1) {
      this.#pieces[this.#letGo] = null
      this.#leaveBlock()
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

  /** Valid until `dispose`. */
  whole(): Uint8Array {
    if (this.#whole !== null) return this.#whole
    this.#whole = this.#pieces.length === 1 ? this.#pieces[0]! : this.#join(this.#pieces as Uint8Array[])
    return this.#whole
  }

  /** Nobody reads it any more. */
  dispose(): void {
    this.#giveBack()
    this.#giveBackBlocks()
    // A new list: cutting one short is a call out of V8.
    if (this.#pieces.length > 0) this.#pieces = []
  }

  #keepSmall(chunk: Uint8Array): number {
    this.#pieces.push(Buffer.from(chunk))
    return chunk.length
  }

  /** Answers how much memory was taken for it. */
  #keep(chunk: Uint8Array): number {
    let takenBytes = 0
    for (let at = 0; at < chunk.length;) {
      let block = this.#openBlock
      if (block === null) {
        block = this.#takeBlock(this.bytes + at, chunk.length - at)
        takenBytes += block.memory.length
      }
      const { memory, used } = block
      const end = Math.min(chunk.length, at + memory.length - used)
      memory.set(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), used)
      block.used += end - at
      block.pieces += 1
      this.#pieces.push(memory.subarray(used, block.used))
      at = end
    }
    return takenBytes
  }

  /** The last one while there is room in it; null = there is none. */
  get #openBlock(): BodyBlock | null {
    const block = this.#blocks.at(-1)
    return block !== undefined && block.used < block.memory.length ? block : null
  }

  #takeBlock(keptBytes: number, restBytes: number): BodyBlock {
    const block = this.#options.memory.take(Math.max(restBytes, this.#wantedBytes(keptBytes, restBytes)))
    if (this.#blocks === noBlocks) this.#blocks = [block]
    else this.#blocks.push(block)
    return block
  }

  /**
   * For all of a body that is to go out as one buffer; of another as much again as there is, however much was announced. What is
   * let go as soon as it is sent leaves its block to the next piece.
   */
  #wantedBytes(keptBytes: number, restBytes: number): number {
    if (!this.isReplayable) return restBytes
    const { contentLength } = this.#options
    if (contentLength === -1) return keptBytes
    return contentLength <= startBytes ? contentLength - keptBytes : Math.min(contentLength - keptBytes, keptBytes)
  }

  /** The first piece that was still needed is not any more. */
  #leaveBlock(): void {
    const block = this.#blocks[0]
    if (block === undefined) return
    block.pieces -= 1
    if (block.pieces > 0) return
    this.#blocks.shift()
    this.#options.memory.giveBack(block)
  }

  /** One copy is enough: from here on the joined one serves replays too. */
  #join(pieces: Uint8Array[]): Uint8Array {
    const [block, second] = this.#blocks
    const isContiguous = block !== undefined && second === undefined
    const whole = isContiguous ? block.memory.subarray(0, block.used) : Buffer.concat(pieces)
    if (pieces.length > 0) pieces.splice(0, pieces.length, whole)
    if (isContiguous) block.pieces = 1
    else this.#giveBackBlocks()
    return whole
  }

  #giveBackBlocks(): void {
    for (const block of this.#blocks) this.#options.memory.giveBack(block)
    this.#blocks = noBlocks
  }

  #giveBack(): void {
    this.#options.budget.giveBack(this.#heldBytes)
    this.#heldBytes = 0
    this.#whole = null
    this.isReplayable = false
  }
}

const noBlocks: BodyBlock[] = []
