import type { UpstreamExchange } from '../wire/upstream-exchange.ts'
import type { RequestBody } from './request-body.ts'

/**
 * Moves a body from where it is kept into one attempt, from its first byte, as fast as the upstream takes it. Each attempt
 * has its own place in the body.
 */
export class Upload {
  readonly #body: RequestBody
  #exchange: UpstreamExchange | null = null
  #next = 0
  isBlocked = false
  isDone = false

  constructor(body: RequestBody) {
    this.#body = body
  }

  begin(exchange: UpstreamExchange): void {
    this.#exchange = exchange
    this.pump()
  }

  /** The answer of this attempt is the one that the caller gets. */
  forgoReplay(): void {
    this.#body.forgoReplay(this.#next)
  }

  onDrain(): void {
    this.isBlocked = false
    this.pump()
  }

  pump(): void {
    const exchange = this.#exchange
    if (exchange === null || this.isDone) return
    while (!this.isBlocked && this.#next < this.#body.pieceCount) {
      this.isBlocked = !exchange.write(this.#body.piece(this.#next))
      this.#next += 1
      this.#body.letGo(this.#next)
    }
    if (!this.#body.isComplete || this.#next < this.#body.pieceCount) return
    this.isDone = true
    exchange.end(this.#body.rawTrailers)
  }
}
