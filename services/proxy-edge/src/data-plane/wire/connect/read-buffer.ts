import type { Socket } from 'node:net'

/**
 * One buffer that every upstream connection of a worker reads into. Node makes a buffer of 64 KiB for each read otherwise, and
 * the collector, which weighs such buffers, was a third of the CPU of a fast stream. Reads are handled one after another, so one
 * buffer does: whoever gets bytes has them for the length of the call, and copies what it keeps. Four times Node's size: fewer,
 * larger reads move a third more per CPU second.
 */
const readBufferBytes = 262_144
const shared = Buffer.allocUnsafeSlow(readBufferBytes)

/** Hands reads of one socket to whoever owns it by then; made before there is a connection. */
export class SocketReads {
  onBytes: ((bytes: Buffer) => void) | null = null
  readonly onread = {
    buffer: shared,
    callback: (length: number): boolean => {
      this.onBytes?.(shared.subarray(0, length))
      return true
    },
  }
}

/** Reads of a socket as they come: into the shared buffer, or in buffers of Node's where `reads` is null. */
export function receiveBytes(socket: Socket, reads: SocketReads | null, onBytes: (bytes: Buffer) => void): void {
  if (reads === null) socket.on('data', onBytes)
  else reads.onBytes = onBytes
}
