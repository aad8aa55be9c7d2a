import type { Socket } from 'node:net'
import { chunkEnd, chunkHeadLength, putChunkHead } from '@gpt-load/http1/head-writer'
import type { OwnRead } from './connect/own-read.ts'

/**
 * Pieces of one read of a fast upstream that go to one client as they lie (connect/own-read.ts), as chunks or plain: the head of a
 * frame stands in front of its piece, where the upstream's stood. What follows each other so is written in one call, when the
 * read is handled.
 */
/** Of a frame: eight digits, CRLF. */
const maxHeadBytes = 10
const crlfBytes = 2
const cr = 13
const lf = 10

export class LentPieces {
  readonly #socket: Socket
  readonly #client: { onDrain(): void }
  /** Null = there are none. */
  #read: OwnRead | null = null
  #start = 0
  /** Of the last piece, without the end of its frame. */
  #end = 0
  #isChunk = false
  /** Being written from, oldest first. */
  readonly #lent: OwnRead[] = []

  /** @param client is told when what was lent is with the system */
  constructor(socket: Socket, client: { onDrain(): void }) {
    this.#socket = socket
    this.#client = client
  }

  get isEmpty(): boolean {
    return this.#read === null
  }

  /** False: it does not follow the one before, which has to be written first, or there is no room for its frame. */
  add(read: OwnRead, payload: Uint8Array, isChunk: boolean): boolean {
    const start = payload.byteOffset - read.memory.byteOffset
    const { length } = payload
    const isAdded =
      this.#read === null ? this.#begin(read, start, length, isChunk) : this.#join(read, start, length, isChunk)
    if (isAdded) this.#end = start + length
    return isAdded
  }

  #begin(read: OwnRead, start: number, length: number, isChunk: boolean): boolean {
    const from = isChunk ? start - chunkHeadLength(length) : start
    if (from < read.writtenTo) return false
    if (isChunk) putChunkHead(read.memory, from, start, length)
    this.#read = read
    this.#start = from
    this.#isChunk = isChunk
    return true
  }

  #join(read: OwnRead, start: number, length: number, isChunk: boolean): boolean {
    if (isChunk !== this.#isChunk) return false
    if (!isChunk) return start === this.#end
    const from = this.#end + crlfBytes
    const room = start - from
    if (room > maxHeadBytes || room < chunkHeadLength(length) || !closeFrame(read, this.#end)) return false
    putChunkHead(read.memory, from, start, length)
    return true
  }

  /** Writes what is there. */
  write(): void {
    const read = this.#read!
    this.#read = null
    const isClosed = !this.#isChunk || closeFrame(read, this.#end)
    const end = this.#isChunk && isClosed ? this.#end + crlfBytes : this.#end
    read.writtenTo = end
    read.lend()
    this.#lent.push(read)
    this.#socket.write(read.memory.subarray(this.#start, end), this.#onWritten)
    if (!isClosed) this.#socket.write(chunkEnd)
  }

  /** Once for each write, in their order, also of those that were done at once or failed. */
  readonly #onWritten = (): void => {
    this.#lent.shift()!.giveBack()
    if (this.#lent.length === 0) this.#client.onDrain()
  }
}

/**
 * The end of a frame behind its payload: where the upstream's own stands, which the decoder may not have looked at yet and must
 * find as it came; behind all that was read there is room. False: something else stands there.
 */
function closeFrame({ memory, end }: OwnRead, at: number): boolean {
  if (at < end && memory[at] !== cr) return false
  if (at + 1 < end && memory[at + 1] !== lf) return false
  memory[at] = cr
  memory[at + 1] = lf
  return true
}
