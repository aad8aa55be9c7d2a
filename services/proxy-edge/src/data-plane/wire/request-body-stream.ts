import { Readable } from 'node:stream'
import type { UpstreamReceiver } from './upstream-exchange.ts'

/**
 * A request body in pieces, in the only shape that undici takes. Costs more than a buffer (WIRE.md), so bodies at hand go as
 * one. Back-pressure: `write` answers false when the socket lags, `onDrain` follows.
 */
const highWaterMarkBytes = 65_536

export class RequestBodyStream extends Readable {
  readonly #receiver: UpstreamReceiver
  #needsDrain = false
  #isSending = false
  /** Were it ended before the head is written, undici would state a length where the caller stated none. */
  #endsWhenSending = false

  constructor(receiver: UpstreamReceiver) {
    super({ highWaterMark: highWaterMarkBytes })
    this.#receiver = receiver
    this.on('error', ignore)
  }

  /** A whole body that has to be framed in chunks. */
  static ofChunked(receiver: UpstreamReceiver, body: Uint8Array): RequestBodyStream {
    const stream = new RequestBodyStream(receiver)
    stream.push(body)
    stream.end()
    return stream
  }

  onSending(): void {
    this.#isSending = true
    if (this.#endsWhenSending) this.push(null)
  }

  write(chunk: Uint8Array): boolean {
    if (this.destroyed) return true
    this.#needsDrain = !this.push(chunk)
    return !this.#needsDrain
  }

  end(): void {
    if (this.destroyed) return
    if (this.#isSending) this.push(null)
    else this.#endsWhenSending = true
  }

  override _read(): void {
    if (!this.#needsDrain) return
    this.#needsDrain = false
    this.#receiver.onDrain()
  }
}

function ignore(): void {}
