/**
 * Overload of one worker's event loop, by the time that it comes late to a timer: what waits in the loop waits for every request
 * and every stream. While it is later than the bound for a whole window, new requests are refused at once, so that those
 * that were accepted keep their pace; refusing is cheap, so the loop catches up. Utilisation alone would not do: a worker
 * that is busy all the time and keeps up is not overloaded.
 */
const sampleIntervalMs = 20
/** So many samples in a row: a garbage collection is not an overload. */
const windowSamples = 5

export class LoadShedder {
  readonly #maxLagMs: number
  readonly #timer: NodeJS.Timeout | null
  #expectedMs = 0
  #lateSamples = 0
  isShedding = false

  /** @param maxLagMs 0 = never sheds */
  constructor(maxLagMs: number) {
    this.#maxLagMs = maxLagMs
    this.#expectedMs = performance.now() + sampleIntervalMs
    this.#timer = maxLagMs === 0 ? null : setInterval(() => this.sample(performance.now()), sampleIntervalMs).unref()
  }

  /** Called by the timer; `nowMs` is monotonic. */
  sample(nowMs: number): void {
    const lagMs = nowMs - this.#expectedMs
    this.#expectedMs = nowMs + sampleIntervalMs
    this.#lateSamples = lagMs > this.#maxLagMs ? this.#lateSamples + 1 : 0
    this.isShedding = this.#lateSamples >= windowSamples
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }
}
