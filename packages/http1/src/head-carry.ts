import { cr, lf, space, tab } from './byte-classes.ts'
import { isRefused, needsMore } from './http1-error.ts'

/**
 * Keeps the bytes of a head that came in pieces, and finds its end. Each byte is looked at once and copied an amortised constant
 * number of times, so that a head that dribbles in costs linear time; the fields are read when the end is there. A line that
 * ends otherwise than in CRLF is refused at once: its end might never come.
 */
const firstCapacity = 1_024

export class HeadCarry {
  readonly #maxBytes: number
  #bytes: Buffer | null = null
  #length = 0
  /** How much of the CRLF CRLF that ends a head was seen. */
  #matched = 0
  isOverfull = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }

  get bytes(): Buffer {
    return this.#bytes!.subarray(0, this.#length)
  }

  /** Fields alone, behind a line that is read already: an empty line ends them. */
  startBehindLine(): void {
    this.#matched = 2
  }

  /** Answers the offset behind the end of the head, `needsMore`, or `isRefused` (a line break, or `isOverfull`). */
  take(bytes: Buffer, from: number): number {
    const limit = Math.min(bytes.length, from + this.#maxBytes - this.#length)
    let matched = this.#matched
    for (let at = from; at < limit; at += 1) {
      const byte = bytes[at]!
      if (byte >= space && matched !== 1 && matched !== 3) matched = 0
      else if (byte === cr && (matched === 0 || matched === 2)) matched += 1
      else if (byte === lf && (matched === 1 || matched === 3)) matched += 1
      else if (byte === tab && (matched === 0 || matched === 2)) matched = 0
      else return isRefused
      if (matched === 4) return this.#complete(bytes, from, at + 1)
    }
    this.#matched = matched
    this.#append(bytes, from, limit)
    this.isOverfull = limit < bytes.length
    return this.isOverfull ? isRefused : needsMore
  }

  clear(): void {
    this.#bytes = null
    this.#length = 0
    this.#matched = 0
    this.isOverfull = false
  }

  #complete(bytes: Buffer, from: number, end: number): number {
    this.#append(bytes, from, end)
    return end
  }

  #append(bytes: Buffer, from: number, end: number): void {
    const length = this.#length + end - from
    if (this.#bytes === null || this.#bytes.length < length) {
      const grown = Buffer.allocUnsafe(Math.max(firstCapacity, length * 2))
      if (this.#bytes !== null) grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(bytes.subarray(from, end), this.#length)
    this.#length = length
  }
}
