import type { BytesReceiver } from './bytes-receiver.ts'

/**
 * What a fast upstream reads into: a buffer of its own. The client's connection writes from it, so that the kernel alone copies
 * what is forwarded, and lets the upstream wait (`write` answers false) until all of it is written: then it may be read into
 * again. There is room around a read for the frame of a chunk, in front of the first and behind the last.
 */
export const readBufferBytes = 262_144
const roomBefore = 32
const roomBehind = 2
/** Per worker, 8 MiB. Further fast upstreams share a buffer, and what they send is copied. */
const maxOwn = 32

/** Who writes from it. */
export interface OwnReadClient {
  /** The read is handled: what was gathered is written. */
  writeLent(): void
}

let made = 0
const spare: OwnRead[] = []
/** Being handled. */
let current: OwnRead | null = null

/** The buffer that these bytes may stay in until they are written; null = they have to be copied. */
export function ownReadOf(bytes: Uint8Array): OwnRead | null {
  return current !== null && current.memory.buffer === bytes.buffer ? current : null
}

export class OwnRead {
  readonly memory = Buffer.allocUnsafeSlow(roomBefore + readBufferBytes + roomBehind)
  readonly room = this.memory.subarray(roomBefore, roomBefore + readBufferBytes)
  /** Where the bytes that were read end. */
  end = 0
  /** In front of it are bytes that are being written. */
  writtenTo = 0
  client: OwnReadClient | null = null
  /** Writes that the system has not taken whole. */
  #lent = 0
  #isLeft = false

  /** Null: there are as many as may be. */
  static take(): OwnRead | null {
    const own = spare.pop() ?? (made < maxOwn ? new OwnRead() : null)
    if (own !== null) own.#isLeft = false
    return own
  }

  private constructor() {
    made += 1
  }

  lend(): void {
    this.#lent += 1
  }

  giveBack(): void {
    this.#lent -= 1
    if (this.#isLeft && this.#lent === 0) spare.push(this)
  }

  /** Nobody reads into it any more; it may still be written from. */
  leave(): void {
    this.#isLeft = true
    if (this.#lent === 0) spare.push(this)
  }
}

/** So many bytes were read into it. */
export function handleOwnRead(own: OwnRead, length: number, receiver: BytesReceiver): unknown {
  own.end = roomBefore + length
  own.writtenTo = 0
  current = own
  try {
    return receiver.onBytes(own.memory.subarray(roomBefore, own.end))
  } finally {
    const { client } = own
    own.client = null
    client?.writeLent()
    current = null
  }
}
