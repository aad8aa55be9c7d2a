/**
 * Smooth weighted round robin (as nginx has it): spreads 3:1 as A A B A, not A A A B. State of one worker; weight 0 is off.
 * O(n) in the entries of one group, which are few.
 */
export class WeightedRotation {
  readonly #weights: Int32Array
  readonly #currents: Int32Array

  constructor(weights: readonly number[]) {
    this.#weights = Int32Array.from(weights)
    this.#currents = new Int32Array(weights.length)
  }

  /** Index of the next entry whose `skipped` mark is not set; -1 = none. No marks: all count. */
  next(skipped: Uint8Array | null): number {
    const weights = this.#weights
    const currents = this.#currents
    let total = 0
    let best = -1
    for (let index = 0; index < weights.length; index += 1) {
      const weight = weights[index]!
      if (weight === 0 || (skipped !== null && skipped[index] === 1)) continue
      total += weight
      currents[index]! += weight
      if (best === -1 || currents[index]! > currents[best]!) best = index
    }
    if (best !== -1) currents[best]! -= total
    return best
  }

  /** 0 = off. */
  weightOf(index: number): number {
    return this.#weights[index]!
  }

  /** As `next`, but a marked entry is better than none. */
  nextPreferring(skipped: Uint8Array | null): number {
    const index = this.next(skipped)
    return index === -1 && skipped !== null ? this.next(null) : index
  }
}
