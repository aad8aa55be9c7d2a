import { Socket } from 'node:net'
import type { BytesReceiver } from './bytes-receiver.ts'
import { handleOwnRead, OwnRead, readBufferBytes } from './own-read.ts'

/**
 * One buffer that every connection of a worker reads into. Node makes a buffer of 64 KiB for each read otherwise, and the
 * collector, which weighs such buffers, was a third of the CPU of a fast stream. Reads are handled one after another, so one
 * buffer does: whoever gets bytes has them for the length of the call, and copies what it keeps. Four times Node's size: fewer,
 * larger reads move a third more per CPU second.
 *
 * An upstream that fills half of it at once gets one of its own (own-read.ts), until its answer is over or it has become slow.
 */
const fastReadBytes = readBufferBytes / 2
const slowReadBytes = 16_384
const shared = Buffer.allocUnsafeSlow(readBufferBytes)

const readsField = Symbol('reads')
type ReadSocket = Socket & { [readsField]?: SocketReads }

/** For all sockets, so that none has a closure of its own: Node calls it as a method of the socket that has read. */
export const onread = {
  buffer: shared,
  /** False = read no further until the socket is resumed. */
  callback(this: unknown, length: number): boolean {
    return (this as ReadSocket)[readsField]!.onRead(length)
  },
}

/** Hands reads of one socket to whoever owns it by then; made before there is a connection. */
export class SocketReads {
  receiver: BytesReceiver | null = null
  /** Null = it gets no buffer of its own. */
  #socket: Socket | null = null
  #own: OwnRead | null = null
  /** All of the answer has been read, though it may still be written from here. */
  #isAnswerOver = false

  /**
   * Of a connection that was accepted, before anything is read from it. Node offers `onread` to whoever connects only; the fields
   * behind it are the same for both, under symbols. Null: it is not plain TCP, or this Node has no such fields; then bytes come by `data`.
   */
  static adopt(socket: Socket): SocketReads | null {
    const { _handle: handle } = socket as unknown as { _handle?: { useUserBuffer?: (buffer: Buffer) => void } | null }
    if (bufferField === undefined || callbackField === undefined || socket.constructor !== Socket) return null
    if (typeof handle?.useUserBuffer !== 'function') return null
    const reads = new SocketReads()
    reads.serve(socket)
    handle.useUserBuffer(shared)
    Object.assign(socket, { [bufferField]: shared, [callbackField]: onread.callback })
    return reads
  }

  /** Of a socket that was made with `onread`, before anything is read from it. */
  serve(socket: ReadSocket): void {
    socket[readsField] = this
  }

  /** When it is fast; whoever gets its bytes does not go on reading before all of them are written (OwnRead). */
  mayOwn(socket: Socket): void {
    if (nextBufferField !== undefined && socket.constructor === Socket) this.#socket = socket
  }

  /** The bytes of this read lie in a buffer of its own. */
  get isOwn(): boolean {
    return this.#own !== null
  }

  /** From within the read that brought its end: what follows is read into the shared buffer. */
  onAnswerEnd(): void {
    this.#isAnswerOver = true
  }

  /** There will be no more reads. */
  close(): void {
    this.#own?.leave()
    this.#own = null
    this.#socket = null
  }

  /** From here on bytes are copied and come by `data`, as from any socket, back-pressure included. */
  becomeStream(socket: Socket): void {
    this.receiver = { onBytes: (bytes) => socket.push(Buffer.from(bytes)) }
  }

  onRead(length: number): boolean {
    if (this.#own !== null) return this.#readOwn(this.#own, length)
    this.#isAnswerOver = false
    const isWanted = this.receiver?.onBytes(shared.subarray(0, length)) !== false
    if (length >= fastReadBytes && this.#socket !== null && !this.#isAnswerOver) this.#takeOwn()
    return isWanted
  }

  #readOwn(own: OwnRead, length: number): boolean {
    const isWanted = handleOwnRead(own, length, this.receiver!) !== false
    if (this.#isAnswerOver || length < slowReadBytes) {
      this.#own = null
      this.#isAnswerOver = false
      own.leave()
      this.#readNextInto(shared)
    }
    return isWanted
  }

  #takeOwn(): void {
    const own = OwnRead.take()
    if (own === null) return
    this.#own = own
    this.#readNextInto(own.room)
  }

  /** Node asks which buffer is the next one when a read is handled. */
  #readNextInto(buffer: Buffer): void {
    const socket = this.#socket as unknown as Record<symbol, unknown>
    socket[nextBufferField!] = () => {
      socket[nextBufferField!] = null
      return buffer
    }
  }
}

const fields = Object.getOwnPropertySymbols(new Socket())
const bufferField = fields.find(({ description }) => description === 'kBuffer')
const callbackField = fields.find(({ description }) => description === 'kBufferCb')
const nextBufferField = fields.find(({ description }) => description === 'kBufferGen')
