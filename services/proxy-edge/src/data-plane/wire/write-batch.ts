import { startTurn } from '../turn-clock.ts'

/**
 * Writes that become ready in one turn of the event loop leave together at its end, in the loop's check phase. A write wakes the
 * peer, and waking one that sleeps costs as much as the write (on loopback an interrupt of the peer's core, on a virtual network
 * card an exit to the host); when several writes follow each other closely, only the first pays. A connection that has several
 * pieces sends them in one call.
 *
 * Where turns bring one write each, waiting for their end only costs time. So after some lonely turns writes leave at once, and
 * one in `probeEvery` waits for the end of its turn to see whether it is still alone.
 *
 * Members are links of a list, so that a write allocates nothing here.
 */
export interface BatchMember {
  isInBatch: boolean
  nextInBatch: BatchMember | null
  /** What was written since `join` goes to the system. May write, and so join, again. */
  onBatchEnd(): void
}

/** Larger pieces are worth a call of their own, and would fill the socket's buffer while they wait. */
export const maxBatchedBytes = 16_384

const lonelyTurns = 4
const probeEvery = 16

export class WriteBatch {
  #first: BatchMember | null = null
  #last: BatchMember | null = null
  /** Turns in a row that brought one write. */
  #lonely = 0
  #untilProbe = 0
  /** The batch that is being gathered is sent at the end of the turn, not of the callback. */
  #isWaiting = true
  readonly #endTurn = (): void => {
    startTurn()
    if (this.#first !== this.#last) this.#lonely = 0
    else if (this.#lonely < lonelyTurns) this.#lonely += 1
    this.flush()
  }

  /** True: what is written now may wait for `onBatchEnd`. False: write it at once. */
  join(member: BatchMember): boolean {
    if (member.isInBatch) return this.#isWaiting
    member.isInBatch = true
    if (this.#last === null) {
      this.#first = member
      this.#schedule()
    } else this.#last.nextInBatch = member
    this.#last = member
    return this.#isWaiting
  }

  #schedule(): void {
    this.#untilProbe -= 1
    this.#isWaiting = this.#lonely < lonelyTurns || this.#untilProbe <= 0
    if (!this.#isWaiting) return process.nextTick(flush, this)
    this.#untilProbe = probeEvery
    setImmediate(this.#endTurn)
  }

  flush(): void {
    let member = this.#first
    this.#first = null
    this.#last = null
    while (member !== null) {
      const next: BatchMember | null = member.nextInBatch
      member.nextInBatch = null
      member.isInBatch = false
      member.onBatchEnd()
      member = next
    }
  }
}

function flush(batch: WriteBatch): void {
  batch.flush()
}
