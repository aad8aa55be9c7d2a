/**
 * How many requests may be under way, over all workers of the process (MAX_CONCURRENT_REQUESTS). One shared counter: the
 * bound is exact whichever worker a connection fell to. The main thread takes back what a dead worker had open.
 */
export const openRequestsBytes = Int32Array.BYTES_PER_ELEMENT

export class RequestGate {
  readonly #open: Int32Array
  readonly #max: number

  /** @param max 0 = no limit */
  constructor(openRequests: SharedArrayBuffer, max: number) {
    this.#open = new Int32Array(openRequests)
    this.#max = max
  }

  /** False: the process is full, and nothing was entered. */
  enter(): boolean {
    const before = Atomics.add(this.#open, 0, 1)
    if (this.#max === 0 || before < this.#max) return true
    Atomics.sub(this.#open, 0, 1)
    return false
  }

  leave(count = 1): void {
    Atomics.sub(this.#open, 0, count)
  }
}
