/**
 * The beginning of a line whose end has not come yet. A short one is kept in pieces that are let go with it. From `longBytes` on the
 * bytes are gathered in memory that the next long lines use again: a fast stream of long lines has one in each read.
 */
const longBytes = 4_096
/** A longer line has memory of its own. */
const maxRoomBytes = 65_536
const nothing = new Uint8Array(0)

export class PartialLine {
  length = 0
  readonly #parts: Uint8Array[] = []
  #room: Buffer | null = null
  /** The bytes are in `#room`. */
  #isLong = false

  push(piece: Uint8Array): void {
    const length = this.length + piece.length
    if (!this.#isLong && length < longBytes) {
      // Not `slice`, which is a view in a Buffer.
      this.#parts.push(Buffer.from(piece))
      this.length = length
    } else this.#gather(piece, length)
  }

  /** The line with its last piece: a view that the next `push` or `end` invalidates. */
  end(rest: Uint8Array = nothing): Buffer {
    const length = this.length + rest.length
    let line: Buffer
    if (!this.#isLong && length < longBytes) line = Buffer.concat([...this.#parts, rest])
    else {
      this.#gather(rest, length)
      line = this.#room!.subarray(0, length)
    }
    this.#parts.length = 0
    this.length = 0
    this.#isLong = false
    if (this.#room !== null && this.#room.length > maxRoomBytes) this.#room = null
    return line
  }

  #gather(piece: Uint8Array, length: number): void {
    const room = this.#roomFor(length)
    if (!this.#isLong) this.length = copyAll(this.#parts, room)
    this.#isLong = true
    room.set(piece, this.length)
    this.length = length
  }

  #roomFor(length: number): Buffer {
    const room = this.#room
    if (room !== null && room.length >= length) return room
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)))
    if (this.#isLong) larger.set(room!.subarray(0, this.length))
    this.#room = larger
    return larger
  }
}

function copyAll(parts: readonly Uint8Array[], to: Buffer): number {
  let at = 0
  for (const part of parts) {
    to.set(part, at)
    at += part.length
  }
  return at
}
