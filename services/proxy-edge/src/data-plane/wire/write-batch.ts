/**
 * Writes that become ready in one turn of the event loop leave together at its end, in the loop's check phase. A write wakes the
 * peer, and waking one that sleeps costs as much as the write (on loopback an interrupt of the peer's core, on a virtual network
 * card an exit to the host); when several writes follow each other closely, only the first pays. A connection that has several
 * pieces sends them in one call.
 *
 * Members are links of a list, so that a write allocates nothing here.
 */
export interface BatchMember {
  isInBatch: boolean
  nextInBatch: BatchMember | null
  /** The end of the turn: what was written since `join` goes to the system. May write, and so join, again. */
  onBatchEnd(): void
}

/** Larger pieces are worth a call of their own, and would fill the socket's buffer while they wait. */
export const maxBatchedBytes = 16_384

export class WriteBatch {
  #first: BatchMember | null = null
  #last: BatchMember | null = null
  readonly #end = (): void => this.#flush()

  join(member: BatchMember): void {
    if (member.isInBatch) return
    member.isInBatch = true
    if (this.#last === null) {
      this.#first = member
      setImmediate(this.#end)
    } else this.#last.nextInBatch = member
    this.#last = member
  }

  #flush(): void {
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
