// One end of a TCP or TLS connection, byte by byte: what a test writes is what goes out, what it reads is what came.
// Nothing is parsed but message ends, nothing is repaired. Every read has a time limit and names what it waited for.

import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { GrowingBuffer } from './growing-buffer.ts'
import { messageLength } from './http-framing.ts'
import type { MessageKind } from './http-framing.ts'

export type ConnectionEnd = 'fin' | 'reset' | 'error'

/** A test that reads more than this has lost its peer's end. */
const MAX_BUFFERED_BYTES = 256 * 1024 * 1024
const READ_TIMEOUT_MS = 5_000

export class RawConnection {
  readonly socket: Socket
  /** How the peer ended it, once the socket is closed. */
  readonly closed: Promise<ConnectionEnd>
  readonly #unread = new GrowingBuffer()
  #receivedBytes = 0
  #isEnded = false
  #error: NodeJS.ErrnoException | undefined
  #wake: () => void = () => undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    socket.on('end', () => this.#end())
    socket.on('error', (error) => (this.#error = error))
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end()
        resolve(this.#error ? (this.#error.code === 'ECONNRESET' ? 'reset' : 'error') : 'fin')
      })
    })
  }

  /** Bytes ever received, read or not. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** The peer will send no more. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Resolves when the kernel has taken the bytes; a string is written as latin1, one byte per character. */
  write(bytes: Uint8Array | string): Promise<void> {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    return new Promise((resolve, reject) => {
      this.socket.write(buffer, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Writes the pieces one by one, each a segment of its own as far as the network lets it. */
  async writePieces(pieces: Iterable<Uint8Array | string>, intervalMs = 1): Promise<void> {
    for (const piece of pieces) {
      await this.write(piece)
      await delay(intervalMs)
    }
  }

  /** Exact bytes of the next whole request. */
  readRequest(timeoutMs?: number): Promise<Buffer> {
    return this.#readMessage('request', timeoutMs)
  }

  /** Exact bytes of the next whole response; an interim one (1xx) counts as one. Without a length it ends with the close. */
  readResponse(options: { isHead?: boolean; timeoutMs?: number } = {}): Promise<Buffer> {
    return this.#readMessage(options.isHead ? 'response-to-head' : 'response', options.timeoutMs)
  }

  /** Bytes up to and including `mark`. */
  readUntil(mark: string | Uint8Array, timeoutMs?: number): Promise<Buffer> {
    const length = Buffer.byteLength(mark)
    return this.#take(`bytes up to ${JSON.stringify(String(mark))}`, timeoutMs, (bytes) => {
      const start = bytes.indexOf(mark)
      return start < 0 ? undefined : start + length
    })
  }

  readExactly(count: number, timeoutMs?: number): Promise<Buffer> {
    return this.#take(`${count} bytes`, timeoutMs, (bytes) => (bytes.length >= count ? count : undefined))
  }

  /** Everything until the peer ends or breaks the connection. */
  readUntilClose(timeoutMs?: number): Promise<Buffer> {
    return this.#take('the end of the connection', timeoutMs, (bytes) => (this.#isEnded ? bytes.length : undefined))
  }

  /** Everything until nothing has come for `idleMs`: for "and not one byte more". */
  async readUntilIdle(idleMs = 50): Promise<Buffer> {
    for (let before = -1; before !== this.#receivedBytes && !this.#isEnded;) {
      before = this.#receivedBytes
      await delay(idleMs)
    }
    return this.#unread.cut(this.#unread.length)
  }

  /** Stops reading, so that the peer meets back-pressure. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** FIN: no more bytes from here, reading goes on. */
  end(): void {
    this.socket.end()
  }

  /** RST: the connection breaks. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  #readMessage(kind: MessageKind, timeoutMs?: number): Promise<Buffer> {
    const isResponse = kind !== 'request'
    return this.#take(`a whole ${kind}`, timeoutMs, (bytes) => {
      const length = messageLength(bytes, kind)
      if (length !== undefined) return length
      return isResponse && this.#isEnded && bytes.length > 0 ? bytes.length : undefined
    })
  }

  async #take(
    what: string,
    timeoutMs = READ_TIMEOUT_MS,
    lengthOf: (bytes: Buffer) => number | undefined,
  ): Promise<Buffer> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const length = lengthOf(this.#unread.view())
      if (length !== undefined) return this.#unread.cut(length)
      if (this.#isEnded) throw new Error(`the connection ended before ${what}; ${this.#describe()}`)
      if (!(await this.#nextEvent(deadline))) throw new Error(`no ${what} within ${timeoutMs} ms; ${this.#describe()}`)
    }
  }

  #nextEvent(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(0, deadline - performance.now()))
      this.#wake = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  #receive(bytes: Buffer): void {
    this.#unread.append(bytes)
    this.#receivedBytes += bytes.length
    if (this.#unread.length > MAX_BUFFERED_BYTES) this.socket.destroy(new Error('the test reads too slowly'))
    this.#wake()
  }

  #end(): void {
    this.#isEnded = true
    this.#wake()
  }

  #describe(): string {
    const tail = this.#unread.view().subarray(-200).toString('latin1')
    return `${this.#unread.length} unread bytes, the last of them ${JSON.stringify(tail)}`
  }
}
