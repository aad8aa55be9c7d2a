import { startTurn } from './turn-clock.ts'

/**
 * Requests that wait for something, in the order in which they came: an intrusive ring of nodes, so that waiting costs no
 * object. Short by its users' bounds, which are counted by walking it.
 */
export interface LineNode<Node> {
  readonly outer: { readonly number: number }
  nextWaiter: Node | null
  previousWaiter: Node | null
}

export class WaitingLine<Node extends LineNode<Node>> {
  first: Node | null = null
  #last: Node | null = null
  readonly #serve: () => void
  readonly #pollIntervalMs: number
  #poll: NodeJS.Timeout | null = null

  /** @param serve called every `pollIntervalMs` while somebody waits */
  constructor(serve: () => void, pollIntervalMs: number) {
    this.#serve = () => {
      startTurn()
      serve()
    }
    this.#pollIntervalMs = pollIntervalMs
  }

  add(waiter: Node): void {
    waiter.previousWaiter = this.#last
    if (this.#last === null) this.first = waiter
    else this.#last.nextWaiter = waiter
    this.#last = waiter
    this.#poll ??= setInterval(this.#serve, this.#pollIntervalMs).unref()
  }

  remove(waiter: Node): void {
    const { previousWaiter: before, nextWaiter: after } = waiter
    if (before === null) this.first = after
    else before.nextWaiter = after
    if (after === null) this.#last = before
    else after.previousWaiter = before
    waiter.nextWaiter = null
    waiter.previousWaiter = null
    if (this.first === null) this.close()
  }

  countOf(groupNumber: number): number {
    let count = 0
    for (let waiter = this.first; waiter !== null; waiter = waiter.nextWaiter)
      if (waiter.outer.number === groupNumber) count += 1
    return count
  }

  close(): void {
    if (this.#poll !== null) clearInterval(this.#poll)
    this.#poll = null
  }
}
