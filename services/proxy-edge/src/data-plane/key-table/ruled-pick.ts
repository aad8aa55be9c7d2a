// Picks by a group's rules, over the same ring and cursor as round robin: weighted by key, or the key with the fewest
// requests under way. Nothing is allocated, every walk is bounded, and no state is kept but the cursor and the group's
// greatest weight.

import type { PickRules } from './pick-rules.ts'
import { header, headerWords, setWord, type SharedColumns } from './shared-columns.ts'
import { cursorWord, setBase, type Membership } from './usable-set.ts'

export interface SlotFilter {
  /** In the set that is searched, not tried, not limited. */
  isPickable(slot: number): boolean
}

/** Pickable keys that are compared: up to so many keys the choice is exact, beyond it is the best of a sample. */
const maxCompared = 32
/** Up to so many keys weights are summed up at each pick; in a larger pool keys are passed over by their turn. */
const maxSummed = 64
/** Entries that one pick may pass over. Turns of weight 1 beside 1,000 come once in 1,000. */
const maxPassedOver = 2_048
const goldenRatio = 0.618_033_988_749_895

export class RuledPick {
  readonly #columns: SharedColumns

  constructor(columns: SharedColumns) {
    this.#columns = columns
  }

  /** -1 = none. `length` is the set's, read by the caller together with what made it look. */
  pick(groupNumber: number, member: Membership, length: number, rules: PickRules, filter: SlotFilter): number {
    const columns = this.#columns
    const offset = columns.headers[setBase(groupNumber, member) + setWord.ringOffset] as number
    if (offset + length > columns.rings.length) columns.refresh()
    const cursor = cursorWord(groupNumber, member)
    if (rules.order === 'least_in_flight') return this.#leastInFlight(offset, length, cursor, filter)
    if (length <= maxSummed) return this.#byShare(offset, length, cursor, filter)
    return this.#byTurn(offset, length, cursor, groupNumber * headerWords + header.maxWeight, filter)
  }

  /** Begins where round robin would, so that keys of equal load take turns; a key without requests ends the search. */
  #leastInFlight(offset: number, length: number, cursor: number, filter: SlotFilter): number {
    const { inFlight } = this.#columns
    const start = this.#advance(cursor)
    let best = -1
    let least = 0
    let compared = 0
    for (let step = 0; step < Math.min(length, maxPassedOver) && compared < maxCompared; step += 1) {
      const slot = this.#slotAt(offset + ((start + step) % length))
      if (slot < 0 || !filter.isPickable(slot)) continue
      compared += 1
      const load = Atomics.load(inFlight, slot)
      if (best !== -1 && load >= least) continue
      best = slot
      least = load
      if (load <= 0) break
    }
    return best
  }

  /**
   * A point of the golden ratio's sequence, stretched over the sum of what is pickable: each key gets its share, evenly
   * spread, whichever others are out.
   */
  #byShare(offset: number, length: number, cursor: number, filter: SlotFilter): number {
    const { weight } = this.#columns
    let sum = 0
    for (let at = 0; at < length; at += 1) {
      const slot = this.#slotAt(offset + at)
      if (slot >= 0 && filter.isPickable(slot)) sum += weight[slot] as number
    }
    if (sum === 0) return -1
    let left = ((this.#advance(cursor) * goldenRatio) % 1) * sum
    let last = -1
    for (let at = 0; at < length; at += 1) {
      const slot = this.#slotAt(offset + at)
      if (slot < 0 || !filter.isPickable(slot)) continue
      last = slot
      left -= weight[slot] as number
      if (left < 0) return slot
    }
    return last
  }

  /**
   * The cursor goes round; a key of weight w is served in w of each W rounds, W being the greatest weight. W is learnt on
   * the way: raised by a heavier key, lowered when a whole walk has met none that heavy.
   */
  #byTurn(offset: number, length: number, cursor: number, maxWeightWord: number, filter: SlotFilter): number {
    const { weight, headers } = this.#columns
    const greatest = Math.max(1, Atomics.load(headers, maxWeightWord))
    let met = 0
    let heaviest = -1
    for (let step = 0; step < maxPassedOver; step += 1) {
      const count = this.#advance(cursor)
      const slot = this.#slotAt(offset + (count % length))
      if (slot < 0 || !filter.isPickable(slot)) continue
      const own = weight[slot] as number
      if (own > greatest) Atomics.store(headers, maxWeightWord, own)
      if (isTurn(own, greatest, Math.floor(count / length) + slot)) return slot
      if (own <= met) continue
      met = own
      heaviest = slot
    }
    if (met > 0) Atomics.compareExchange(headers, maxWeightWord, greatest, met)
    return heaviest
  }

  #advance(cursor: number): number {
    return Atomics.add(this.#columns.headers, cursor, 1) >>> 0
  }

  /** -1: an entry that is being written, or of memory that this thread has not seen. */
  #slotAt(index: number): number {
    const columns = this.#columns
    const slot = (columns.rings[index] as number) | 0
    if (slot >= columns.slots) columns.refresh()
    return slot < columns.slots ? slot : -1
  }
}

/** Exactly `weight` of each `greatest` rounds, evenly spread (Bresenham). */
function isTurn(weight: number, greatest: number, round: number): boolean {
  if (weight >= greatest) return true
  return Math.floor(((round + 1) * weight) / greatest) !== Math.floor((round * weight) / greatest)
}
