import { randomFillSync } from 'node:crypto'

/**
 * Remembers what was found for a token, without the token: by a tag of 128 bits, four sums of its characters, each times a
 * random number of its place and sum (multilinear hashing: Lemire and Kaser, Strongly universal string hashing is fast, 2014).
 * Two tokens of ASCII have the same sum by a chance of 2^-26 at most, the same tag by 2^-104, whoever chose them, since neither
 * numbers nor tags ever leave the process. It takes a quarter of the time of SHA-256, which is asked the first time.
 *
 * Bounded: a place holds the last one that fell on it.
 */
const places = 1_024
const sums = 4

export class TokenMemo<Found extends object> {
  readonly #factors: Int32Array
  readonly #tags = new Int32Array(places * sums)
  readonly #found: (Found | null)[] = Array.from({ length: places }, () => null)
  /** Of the token that was last looked up. */
  readonly #tag = new Int32Array(sums)
  #isEmpty = true

  /** @param maxLength of a token, in characters */
  constructor(maxLength: number) {
    this.#factors = randomFillSync(new Int32Array(maxLength * sums))
  }

  /** Null: not remembered, or no visible ASCII. */
  find(token: string): Found | null {
    const factors = this.#factors
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    let bits = 0
    for (let index = 0, at = 0; index < token.length; index += 1, at += sums) {
      const code = token.charCodeAt(index)
      // Negative for what is no visible character: a NUL would add nothing to the sums.
      bits |= code | (code - 0x21)
      a = (a + Math.imul(factors[at]!, code)) | 0
      b = (b + Math.imul(factors[at + 1]!, code)) | 0
      c = (c + Math.imul(factors[at + 2]!, code)) | 0
      d = (d + Math.imul(factors[at + 3]!, code)) | 0
    }
    const tag = this.#tag
    tag[0] = a
    tag[1] = b
    tag[2] = c
    tag[3] = d
    const place = placeOf(tag)
    const at = place * sums
    const tags = this.#tags
    const isSame = bits >>> 0 < 0x80 && tags[at] === a && tags[at + 1] === b && tags[at + 2] === c && tags[at + 3] === d
    return isSame ? this.#found[place]! : null
  }

  /** What the token that was last looked up is worth. */
  keep(found: Found): void {
    const place = placeOf(this.#tag)
    this.#tags.set(this.#tag, place * sums)
    this.#found[place] = found
    this.#isEmpty = false
  }

  clear(): void {
    if (this.#isEmpty) return
    this.#isEmpty = true
    this.#found.fill(null)
  }
}

/** The upper bits: of a sum they hang on more of it than the lower ones. */
function placeOf(tag: Int32Array): number {
  return tag[0]! >>> 22
}
