import type { RequestCounters } from '../observe/counters.ts'

/**
 * How many bytes of memory (whole blocks, body-memory.ts) the request bodies of one worker may hold for retries, over all
 * requests. Past it bodies still flow, without retry; bodies that a rule must rewrite are refused as overload.
 */
export class ReplayBudget {
  readonly #maxBytes: number
  readonly #counters: RequestCounters
  #heldBytes = 0

  constructor(maxBytes: number, counters: RequestCounters) {
    this.#maxBytes = maxBytes
    this.#counters = counters
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  take(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.#maxBytes) {
      this.#counters.add('replay_refused', 1)
      return false
    }
    this.#heldBytes += bytes
    this.#counters.set('replay_bytes', this.#heldBytes)
    return true
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes
    this.#counters.set('replay_bytes', this.#heldBytes)
  }
}
