import type { Socket } from 'node:net'
import { chunkBytes, putChunk } from '@gpt-load/http1/head-writer'
import { reusedBodyBytes } from './upstream-exchange.ts'

/**
 * Large pieces to one client or upstream. What an upstream sent lies in a buffer that the next read overwrites
 * (connect/read-buffer.ts), what a client sent in one that the next body is kept in (body/body-memory.ts), and a write that the
 * system does not take at once keeps its bytes for later; so they are copied. A piece with nothing before it is copied into a
 * buffer that is used again as soon as the system has it, which is nearly always at once. Behind bytes that wait it is copied
 * into one of its own size, so that a slow reader holds one such buffer at most.
 */
/** At least a whole body whose memory is used again. */
export const writePayloadBytes = reusedBodyBytes
/** Head and end of a chunk's frame. */
const frameBytes = 32
/** Buffers kept for the next write, per worker: 2 MiB. More are made when more readers are slow, and dropped afterwards. */
const maxKept = 8

const kept: Buffer[] = []

export class LargeWriter {
  readonly #socket: Socket
  /** The buffer that the system has not taken whole; null = none. */
  #lent: Buffer | null = null
  /** Ordinals of writes from kept buffers: the last one begun, and the last one that was called back. */
  #begun = 0
  #ended = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** At most `writePayloadBytes`, as a chunk or as it is; the caller may overwrite them. False = as `socket.write`. */
  write(payload: Uint8Array, isChunk: boolean): boolean {
    const socket = this.#socket
    if (socket.writableLength > 0) return socket.write(isChunk ? chunkBytes(payload) : Buffer.from(payload))
    const buffer = take()
    return this.#writeFrom(buffer, isChunk ? putChunk(buffer, payload) : putPlain(buffer, payload))
  }

  /** The same with what stands in front of it, in one call. */
  writeWith(head: Uint8Array, payload: Uint8Array): boolean {
    const socket = this.#socket
    const length = head.length + payload.length
    if (socket.writableLength > 0 || length > writePayloadBytes + frameBytes) {
      socket.write(head)
      return this.write(payload, false)
    }
    const buffer = take()
    buffer.set(head)
    buffer.set(payload, head.length)
    return this.#writeFrom(buffer, length)
  }

  #writeFrom(buffer: Buffer, length: number): boolean {
    const socket = this.#socket
    this.#begun += 1
    this.#lent = buffer
    const isFlowing = socket.write(buffer.subarray(0, length), this.#onWritten)
    if (socket.writableLength === 0) this.#giveBack()
    return isFlowing
  }

  /** Also of writes that were done at once. After an error the system may still read the buffer: it is left to the collector. */
  readonly #onWritten = (error?: Error | null): void => {
    this.#ended += 1
    if (this.#ended !== this.#begun) return
    if (error == null) this.#giveBack()
    else this.#lent = null
  }

  #giveBack(): void {
    const buffer = this.#lent
    this.#lent = null
    if (buffer !== null && kept.length < maxKept) kept.push(buffer)
  }
}

function take(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(writePayloadBytes + frameBytes)
}

function putPlain(buffer: Buffer, payload: Uint8Array): number {
  buffer.set(payload)
  return payload.length
}
