const INITIAL_BYTES = 16 * 1024

/** Bytes appended at the end and cut off at the front, without copying all of them for every segment that comes. */
export class GrowingBuffer {
  #bytes = Buffer.allocUnsafe(INITIAL_BYTES)
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** What is there; valid until the next `append`. */
  view(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length)
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  /** Removes the first `length` bytes and gives a copy of them. */
  cut(length: number): Buffer {
    const bytes = Buffer.from(this.view().subarray(0, length))
    this.#start += length
    return bytes
  }

  #makeRoom(extra: number): void {
    const view = this.view()
    const grown = Buffer.allocUnsafe(Math.max(INITIAL_BYTES, 2 * (view.length + extra)))
    view.copy(grown)
    this.#bytes = grown
    this.#end = view.length
    this.#start = 0
  }
}
