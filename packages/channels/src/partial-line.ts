/**
 * The beginning of a line whose end has not come yet, in pieces of its own. The whole line is put together in memory that all of them
 * use, one after the other: a fast stream of long lines has one in each read.
 */
const sharedBytes = 65_536
const nothing = new Uint8Array(0)
let shared: Buffer | null = null

export class PartialLine {
  length = 0
  #parts: Uint8Array[] = []

  push(piece: Uint8Array): void {
    // Not `slice`, which is a view in a Buffer.
    this.#parts.push(Buffer.from(piece))
    this.length += piece.length
  }

  /** The line with its last piece, and the next one begins. A view for the length of the call that asks for it. */
  end(rest: Uint8Array = nothing): Buffer {
    const parts = this.#parts
    const length = this.length + rest.length
    this.#parts = []
    this.length = 0
    if (length > sharedBytes) return Buffer.concat([...parts, rest], length)
    shared ??= Buffer.allocUnsafeSlow(sharedBytes)
    let at = 0
    for (const part of parts) {
      shared.set(part, at)
      at += part.length
    }
    shared.set(rest, at)
    return shared.subarray(0, length)
  }
}
