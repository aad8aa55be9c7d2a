import { parseJsonBytes } from './json-bytes.ts'

/**
 * JSON strings in bytes -> text, for values that come again and again (models): decoding and parsing a few bytes costs more than
 * comparing them. Bounded: the last few distinct ones, each short.
 */
const maxEntries = 8
const maxBytes = 128

export class TextMemo {
  readonly #bytes: Uint8Array[] = []
  readonly #texts: string[] = []
  #next = 0

  /** '' when the value is no string. */
  textOf(bytes: Uint8Array): string {
    for (let index = 0; index < this.#bytes.length; index += 1)
      if (areEqual(this.#bytes[index]!, bytes)) return this.#texts[index]!
    const value = parseJsonBytes(bytes)
    const text = typeof value === 'string' ? value : ''
    if (bytes.length <= maxBytes) this.#keep(bytes, text)
    return text
  }

  #keep(bytes: Uint8Array, text: string): void {
    // Not `slice`, which is a view in a Buffer, over bytes that are another request's soon.
    this.#bytes[this.#next] = Uint8Array.from(bytes)
    this.#texts[this.#next] = text
    this.#next = (this.#next + 1) % maxEntries
  }
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false
  return true
}
