import type { Socket } from 'node:net'
import type { Tunnel, TunnelReceiver } from './downstream-exchange.ts'
import { resetConnection } from './reset-connection.ts'

/**
 * A connection after an upgrade: bytes both ways, nothing of HTTP left. Bytes that came right behind the head are delivered
 * first. After `end` nothing is delivered any more, and the peer has two seconds to close as well.
 */
const lingerMs = 2_000

export class SocketTunnel implements Tunnel {
  readonly #socket: Socket
  #early: Buffer | null
  #receiver: TunnelReceiver | null = null
  #isEnded = false
  #isClosed = false

  constructor(socket: Socket, early: Buffer | null) {
    this.#socket = socket
    this.#early = early
    socket.pause()
    socket.on('close', this.#onClose)
  }

  write(chunk: Uint8Array): boolean {
    return this.#isEnded || this.#isClosed || this.#socket.write(chunk)
  }

  /** What was written still goes out; a peer that never closes its side does not keep the socket. */
  end(): void {
    if (this.#isEnded || this.#isClosed) return
    this.#isEnded = true
    this.#early = null
    this.#socket.destroySoon()
    this.#socket.resume()
    setTimeout(() => this.#socket.destroy(), lingerMs).unref()
  }

  abort(): void {
    this.#isEnded = true
    resetConnection(this.#socket)
  }

  pause(): void {
    if (!this.#isEnded) this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  receive(receiver: TunnelReceiver): void {
    this.#receiver = receiver
    if (this.#isClosed) return receiver.onClose()
    const early = this.#early
    this.#early = null
    this.#socket.on('data', this.#onData).on('drain', this.#onDrain).on('end', this.#onEnd)
    this.resume()
    if (early !== null) this.#onData(early)
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#isEnded) this.#receiver!.onData(chunk)
  }

  readonly #onDrain = (): void => {
    if (!this.#isEnded) this.#receiver!.onDrain()
  }

  readonly #onEnd = (): void => {
    if (!this.#isEnded) this.#receiver!.onEnd()
  }

  readonly #onClose = (): void => {
    this.#isClosed = true
    if (!this.#isEnded) this.#receiver?.onClose()
  }
}
