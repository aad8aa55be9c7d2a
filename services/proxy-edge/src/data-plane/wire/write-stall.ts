import type { Socket } from 'node:net'

/**
 * Whether a client takes what it is sent, asked at each sweep: so no kind of write has to start a timer, none can be forgotten, and a
 * request that is answered at once costs nothing. Comments that keep a stream alive are more to wait for, not progress.
 */
export class WriteStall {
  #takenBytes = -1
  #sinceMs = 0

  /** For how long the system has taken nothing of what waits, as far as sweeps saw it, in ms; 0 = nothing waits. */
  lastedMs(socket: Socket, now: number): number {
    const takenBytes = socket.writableLength === 0 ? -1 : takenBytesOf(socket)
    if (takenBytes !== -1 && takenBytes === this.#takenBytes) return now - this.#sinceMs
    this.#takenBytes = takenBytes
    this.#sinceMs = now
    return 0
  }
}

type Handle = { bytesWritten?: number; writeQueueSize?: number }

/** Of all that was ever written. Node keeps to itself how much of a write is done; without it whole writes are counted. */
function takenBytesOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: Handle | null }
  if (handle?.bytesWritten === undefined || handle.writeQueueSize === undefined)
    return socket.bytesWritten - socket.writableLength
  return handle.bytesWritten - handle.writeQueueSize
}
