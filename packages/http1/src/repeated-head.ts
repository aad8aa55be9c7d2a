import { readLatin1 } from './latin1.ts'

/**
 * The last head of a connection: what a client sends next nearly always differs from it in nothing but Content-Length. A head that
 * is the same text, but for other digits there, is the same head: it is recognised by two comparisons in place of being read
 * again, and its texts and pairs are the objects that there were. Nothing is kept that the pairs do not keep anyway.
 */
export class RepeatedHead {
  /** Up to Content-Length's digits, or all of it; '' = no head is kept. Of its own, not cut out of a longer one: compared at once. */
  #before = ''
  #behind = ''
  /** Of the head that `matchEnd` has found: -1 = no Content-Length. */
  contentLength = -1

  /** `before` and `behind` without the digits; '' = the head has none. */
  keep(before: string, behind: string): void {
    this.#before = before
    this.#behind = behind
  }

  /** The offset behind the head when it is the same one, otherwise -1. */
  matchEnd(bytes: Buffer, from: number, limit: number): number {
    const before = this.#before
    if (before === '') return -1
    const digitsStart = from + before.length
    if (digitsStart > limit || readLatin1(bytes, from, digitsStart) !== before) return -1
    const behind = this.#behind
    this.contentLength = -1
    if (behind === '') return digitsStart
    let digitsEnd = digitsStart
    let length = 0
    const digitsLimit = Math.min(limit, digitsStart + maxDigits)
    while (digitsEnd < digitsLimit && isDigit(bytes[digitsEnd]!)) {
      length = length * 10 + bytes[digitsEnd]! - 48
      digitsEnd += 1
    }
    const end = digitsEnd + behind.length
    // With a nought ahead the number does not tell its digits.
    if (bytes[digitsStart] === 48 && digitsEnd > digitsStart + 1) return -1
    if (digitsEnd === digitsStart || end > limit || readLatin1(bytes, digitsEnd, end) !== behind) return -1
    this.contentLength = length
    return end
  }
}

/** Of numbers that are exact whatever their digits. */
const maxDigits = 15

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57
}
