import { Socket } from 'node:net'

/**
 * One buffer that every connection of a worker reads into. Node makes a buffer of 64 KiB for each read otherwise, and the
 * collector, which weighs such buffers, was a third of the CPU of a fast stream. Reads are handled one after another, so one
 * buffer does: whoever gets bytes has them for the length of the call, and copies what it keeps. Four times Node's size: fewer,
 * larger reads move a third more per CPU second.
 */
const readBufferBytes = 262_144
const shared = Buffer.allocUnsafeSlow(readBufferBytes)

/** Hands reads of one socket to whoever owns it by then; made before there is a connection. */
export class SocketReads {
  onBytes: ((bytes: Buffer) => unknown) | null = null
  readonly onread = {
    buffer: shared,
    /** False = read no further until the socket is resumed. */
    callback: (length: number): boolean => this.onBytes?.(shared.subarray(0, length)) !== false,
  }

  /**
   * Of a connection that was accepted, before anything is read from it. Node offers `onread` to whoever connects only; the fields
   * behind it are the same for both, under symbols. Null: it is not plain TCP, or this Node has no such fields; then bytes come by `data`.
   */
  static adopt(socket: Socket): SocketReads | null {
    const { _handle: handle } = socket as unknown as { _handle?: { useUserBuffer?: (buffer: Buffer) => void } | null }
    if (bufferField === undefined || callbackField === undefined || socket.constructor !== Socket) return null
    if (typeof handle?.useUserBuffer !== 'function') return null
    const reads = new SocketReads()
    handle.useUserBuffer(shared)
    Object.assign(socket, { [bufferField]: shared, [callbackField]: reads.onread.callback })
    return reads
  }

  /** From here on bytes are copied and come by `data`, as from any socket, back-pressure included. */
  becomeStream(socket: Socket): void {
    this.onBytes = (bytes) => socket.push(Buffer.from(bytes))
  }
}

const fields = Object.getOwnPropertySymbols(new Socket())
const bufferField = fields.find(({ description }) => description === 'kBuffer')
const callbackField = fields.find(({ description }) => description === 'kBufferCb')

/** Reads of a socket as they come: into the shared buffer, or in buffers of Node's where `reads` is null. */
export function receiveBytes(socket: Socket, reads: SocketReads | null, onBytes: (bytes: Buffer) => void): void {
  if (reads === null) socket.on('data', onBytes)
  else reads.onBytes = onBytes
}
