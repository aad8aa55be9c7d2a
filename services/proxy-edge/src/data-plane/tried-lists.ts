/**
 * Lists of the slots that a request has tried, reused from one request to the next. Most groups allow 8 keys a request; longer
 * lists are made when asked for and not kept.
 */
const listLength = 32
const maxSpare = 256

export class TriedLists {
  readonly #spare: Int32Array[] = []

  take(length: number): Int32Array {
    return length > listLength ? new Int32Array(length) : (this.#spare.pop() ?? new Int32Array(listLength))
  }

  giveBack(list: Int32Array): void {
    if (list.length === listLength && this.#spare.length < maxSpare) this.#spare.push(list)
  }
}
