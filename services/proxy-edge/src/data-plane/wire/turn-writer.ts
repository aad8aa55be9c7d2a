import type { Socket } from 'node:net'

/**
 * What one connection writes within a turn of the event loop. One small piece, which is nearly every answer and every request, is
 * kept until the end of the turn and goes to the socket in one call; with a second one the socket is corked, so that both leave
 * together. A corked socket alone would do, but builds a list for each of these single pieces.
 */
export class TurnWriter {
  readonly #socket: Socket
  #kept: Uint8Array | null = null
  #isCorked = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Nothing waits, here or in the socket: all of it is with the system. */
  get isEmpty(): boolean {
    return this.#kept === null && this.#socket.writableLength === 0
  }

  /** Leaves with `flush`. The bytes are the writer's from here on. False = as `socket.write`. */
  put(bytes: Uint8Array): boolean {
    if (this.#isCorked) return this.#socket.write(bytes)
    const kept = this.#kept
    if (kept === null) {
      this.#kept = bytes
      return !this.#socket.writableNeedDrain
    }
    this.#kept = null
    this.#isCorked = true
    this.#socket.cork()
    this.#socket.write(kept)
    return this.#socket.write(bytes)
  }

  /** Behind what waits, at once. */
  write(bytes: Uint8Array): boolean {
    this.flush()
    return this.#socket.write(bytes)
  }

  /** False = the socket is full: wait for `drain`. */
  flush(): boolean {
    const kept = this.#kept
    this.#kept = null
    if (kept !== null) return this.#socket.write(kept)
    if (this.#isCorked) {
      this.#isCorked = false
      this.#socket.uncork()
    }
    return !this.#socket.writableNeedDrain
  }
}
