import { randomBytes } from 'node:crypto'

/**
 * Request ids without the cost of a UUID: a random prefix, a counter, and 32 random bits from a pool that is refilled once in
 * 256 requests. Unique by prefix and counter; not guessable from its neighbours by the random part.
 */
const poolSize = 256

export class RequestIds {
  readonly #prefix = randomBytes(6).toString('hex')
  readonly #pool = new Uint32Array(poolSize)
  #next = 0

  create(): string {
    const place = this.#next % poolSize
    if (place === 0) crypto.getRandomValues(this.#pool)
    this.#next += 1
    return `${this.#prefix}${this.#next.toString(36)}-${this.#pool[place]!.toString(36)}`
  }
}
