import type { RequestCounters } from '../observe/counters.ts'
import { reusedBodyBytes } from '../wire/upstream-exchange.ts'

/**
 * Memory for request bodies, in blocks that are used again. A buffer that is made for a body and freed with it costs a request of
 * 20 kB half of its CPU: the system takes its pages away and clears new ones. Sizes are powers of two, so a body leaves at most
 * half of its block unused.
 */
const smallestBlockBytes = 4_096
const largestBlockBytes = reusedBodyBytes
/** Kept for the next body, per worker: 512 bodies of 4 KiB, or 8 uploads at full speed. What is more is freed at once. */
const maxSpareBytes = 2_097_152

export class BodyBlock {
  readonly memory: Buffer
  used = 0
  /** Pieces in it that are still needed. */
  pieces = 0

  constructor(bytes: number) {
    this.memory = Buffer.allocUnsafeSlow(bytes)
  }
}

export class BodyMemory {
  readonly #counters: RequestCounters
  /** By the number of their size, smallest first. */
  readonly #spare: BodyBlock[][] = []
  #spareBytes = 0
  #bytes = 0

  constructor(counters: RequestCounters) {
    this.#counters = counters
    for (let bytes = smallestBlockBytes; bytes <= largestBlockBytes; bytes *= 2) this.#spare.push([])
  }

  /** With room for so many bytes, or of the largest size. */
  take(bytes: number): BodyBlock {
    const size = sizeNumber(bytes)
    const spare = this.#spare[size]!.pop()
    if (spare === undefined) return this.#make(smallestBlockBytes << size)
    this.#spareBytes -= spare.memory.length
    return spare
  }

  /** Nobody reads it any more. */
  giveBack(block: BodyBlock): void {
    const { length } = block.memory
    if (this.#spareBytes + length > maxSpareBytes) return this.#free(block)
    block.used = 0
    block.pieces = 0
    this.#spareBytes += length
    this.#spare[sizeNumber(length)]!.push(block)
  }

  #make(bytes: number): BodyBlock {
    this.#count(bytes)
    return new BodyBlock(bytes)
  }

  /** At once: the collector, which counts objects, would come by when uploads have left tens of megabytes. */
  #free({ memory }: BodyBlock): void {
    this.#count(-memory.length)
    ;(memory.buffer as ArrayBuffer).transfer(0)
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    this.#counters.set('body_memory_bytes', this.#bytes)
  }
}

function sizeNumber(bytes: number): number {
  if (bytes <= smallestBlockBytes) return 0
  const wanted = Math.min(bytes, largestBlockBytes)
  return Math.clz32(smallestBlockBytes - 1) - Math.clz32(wanted - 1)
}
