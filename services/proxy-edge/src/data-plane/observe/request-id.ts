import { randomFillSync, randomInt } from 'node:crypto'

/**
 * Request ids without the cost of a UUID: a random prefix, a counter, and 31 random bits. Unique by prefix and counter; not
 * guessable from its neighbours by the random part. Of fixed width in digits whose order is that of their characters: ids of a
 * worker ascend, so that an index over them is filled from one end. Each request is stored with its id and found by it: a
 * character costs two bytes of a log.
 *
 * Written 64 at a time and cut out of one text: put together one by one they would be texts of parts, which each reader has
 * to join. A request that lives long keeps the text, 1.3 kB, which it shares with its neighbours.
 */
const idsPerText = 64
/** Drawn at once; each draw is a call into OpenSSL. */
const poolSize = 16 * idsPerText
const digits = Buffer.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
/** 53 bits. */
const prefixDigits = 9
/** 62^6: 5.6 * 10^10 requests, 22 days of 30,000 a second. */
const counterDigits = 6
const randomDigits = 6
const idDigits = prefixDigits + counterDigits + randomDigits

export class RequestIds {
  readonly #bytes = Buffer.allocUnsafeSlow(idsPerText * idDigits)
  readonly #counter = new Uint8Array(counterDigits)
  readonly #pool = new Uint32Array(poolSize)
  #drawn = poolSize
  #text = ''
  #at = 0

  /** @param counted where it goes on from, for tests */
  constructor(counted = 0) {
    for (let place = counterDigits - 1, rest = counted; place >= 0; place -= 1, rest = Math.floor(rest / digits.length))
      this.#counter[place] = rest % digits.length
    this.#begin()
  }

  create(): string {
    if (this.#at === this.#text.length) this.#write()
    const start = this.#at
    this.#at = start + idDigits
    return this.#text.slice(start, this.#at)
  }

  #write(): void {
    if (this.#drawn === poolSize) {
      randomFillSync(this.#pool)
      this.#drawn = 0
    }
    for (let at = 0; at < this.#bytes.length; at += idDigits) {
      this.#count()
      for (let place = 0; place < counterDigits; place += 1)
        this.#bytes[at + prefixDigits + place] = digits[this.#counter[place]!]!
      this.#putRandom(at + prefixDigits + counterDigits, this.#pool[this.#drawn]! >>> 1)
      this.#drawn += 1
    }
    this.#text = this.#bytes.toString('latin1')
    this.#at = 0
  }

  /** A prefix of its own, once more when the counter has come to its end. */
  #begin(): void {
    const prefix = Buffer.from(Array.from({ length: prefixDigits }, () => digits[randomInt(digits.length)]!))
    for (let at = 0; at < this.#bytes.length; at += idDigits) this.#bytes.set(prefix, at)
  }

  #count(): void {
    let place = counterDigits - 1
    while (place >= 0 && this.#counter[place] === digits.length - 1) this.#counter[place--] = 0
    if (place < 0) this.#begin()
    else this.#counter[place]! += 1
  }

  /** @param value of 31 bits, so that the arithmetic stays within integers */
  #putRandom(at: number, value: number): void {
    let rest = value
    for (let place = at; place < at + randomDigits; place += 1) {
      const next = (rest / digits.length) | 0
      this.#bytes[place] = digits[rest - next * digits.length]!
      rest = next
    }
  }
}
