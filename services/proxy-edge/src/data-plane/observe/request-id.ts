import { randomBytes } from 'node:crypto'

/**
 * Request ids without the cost of a UUID: a random prefix, a counter, and 31 random bits from a pool that is refilled once in
 * 256 requests. Unique by prefix and counter; not guessable from its neighbours by the random part. Of fixed width in digits
 * whose order is that of their characters: ids of a worker ascend, so that an index over them is filled from one end. Each
 * request is stored with its id and found by it: a character costs two bytes of a log.
 */
const poolSize = 256
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const pairs = Array.from({ length: 62 * 62 }, (_, index) => digits[Math.floor(index / 62)]! + digits[index % 62]!)

export class RequestIds {
  readonly #prefix = randomPrefix()
  readonly #pool = new Uint32Array(poolSize)
  #next = 0

  create(): string {
    const place = this.#next % poolSize
    if (place === 0) crypto.getRandomValues(this.#pool)
    this.#next += 1
    return this.#prefix + sixDigits(this.#next) + sixDigits(this.#pool[place]! >>> 1)
  }
}

/** Nine digits: 53 bits. */
function randomPrefix(): string {
  const value = randomBytes(8).readBigUInt64BE()
  let text = ''
  for (let rest = value, at = 0; at < 9; at += 1, rest /= 62n) text += digits[Number(rest % 62n)]!
  return text
}

/** Below 62^6: 5.6 * 10^10 requests of one worker. */
function sixDigits(value: number): string {
  const low = value % 3_844
  const rest = (value - low) / 3_844
  const middle = rest % 3_844
  return pairs[(rest - middle) / 3_844]! + pairs[middle]! + pairs[low]!
}
