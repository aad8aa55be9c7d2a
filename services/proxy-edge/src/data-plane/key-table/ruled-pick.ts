// Picks by a group's rules, over the same ring and cursor as plain round robin: in turn, weighted by key, or the key with the
// fewest requests under way; past keys whose caps are reached, and before keys that are spent. Nothing is allocated, every
// walk is bounded, and no state is kept but the cursor and the group's greatest weight.

import { meanTokens, roomAt } from './key-load.ts'
import { isSpent } from './key-quota.ts'
import type { PickRules } from './pick-rules.ts'
import { control, header, headerWords, setWord, type SharedColumns } from './shared-columns.ts'
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
/** Spent keys that one pick passes over; after them a spent key will do. */
const maxSpentMet = 128
const goldenRatio = 0.618_033_988_749_895

export class RuledPick {
  readonly #columns: SharedColumns
  // What the pick under way asks for; fields in place of a closure per pick.
  #rules!: PickRules
  #filter!: SlotFilter
  #model = 0
  #nowMs = 0
  #tokens = 0
  #spentMet = 0
  /** When the first key that a cap kept out has room again, epoch ms; 0 = none was kept out. */
  roomAtMs = 0

  constructor(columns: SharedColumns) {
    this.#columns = columns
  }

  /** @param model as key-quota names it */
  begin(rules: PickRules, filter: SlotFilter, model: number, nowMs: number): void {
    this.#rules = rules
    this.#filter = filter
    this.#model = model
    this.#nowMs = nowMs
    this.roomAtMs = 0
  }

  /** -1 = none. `length` is the set's. */
  pick(groupNumber: number, member: Membership, length: number): number {
    this.#tokens = meanTokens(this.#columns, groupNumber)
    this.#spentMet = this.#rules.learnsQuotas ? 0 : maxSpentMet
    const slot = this.#search(groupNumber, member, length)
    if (slot !== -1 || this.#spentMet === maxSpentMet || this.#spentMet === 0) return slot
    // Only spent ones are left.
    this.#spentMet = maxSpentMet
    return this.#search(groupNumber, member, length)
  }

  /** After `begin`: what the rules say of a key that is usable otherwise. */
  verdictOf(groupNumber: number, slot: number): 'free' | 'at_cap' | 'spent' {
    const { caps, learnsQuotas } = this.#rules
    if (caps !== null && !this.#hasRoom(slot)) return 'at_cap'
    if (!learnsQuotas) return 'free'
    const tokens = meanTokens(this.#columns, groupNumber)
    return isSpent(this.#columns, slot, this.#model, tokens, this.#nowMs) ? 'spent' : 'free'
  }

  #search(groupNumber: number, member: Membership, length: number): number {
    const columns = this.#columns
    const offset = columns.headers[setBase(groupNumber, member) + setWord.ringOffset] as number
    if (offset + length > columns.rings.length) columns.refresh()
    const cursor = cursorWord(groupNumber, member)
    const { order } = this.#rules
    if (order === 'round_robin') return this.#inTurn(offset, length, cursor)
    if (order === 'least_in_flight') return this.#leastInFlight(offset, length, cursor)
    if (length <= maxSummed) return this.#byShare(offset, length, cursor)
    return this.#byTurn(offset, length, cursor, groupNumber * headerWords + header.maxWeight)
  }

  #accepts(slot: number): boolean {
    if (slot < 0 || !this.#filter.isPickable(slot)) return false
    const { caps } = this.#rules
    return (caps === null || this.#hasRoom(slot)) && (this.#spentMet === maxSpentMet || !this.#passesOver(slot))
  }

  #hasRoom(slot: number): boolean {
    const at = roomAt(this.#columns, slot, this.#rules.caps!, this.#nowMs)
    if (at === 0) return true
    if (this.roomAtMs === 0 || at < this.roomAtMs) this.roomAtMs = at
    return false
  }

  #passesOver(slot: number): boolean {
    const columns = this.#columns
    if (!isSpent(columns, slot, this.#model, this.#tokens, this.#nowMs)) return false
    this.#spentMet += 1
    return true
  }

  /** The first entries advance the shared cursor, so that the neighbour of a key passed over does not get its turns too. */
  #inTurn(offset: number, length: number, cursor: number): number {
    const shared = Math.min(maxSpentMet, length)
    let position = 0
    for (let step = 0; step < Math.min(shared + length, maxPassedOver); step += 1) {
      position = step < shared ? this.#advance(cursor) % length : (position + 1) % length
      const slot = this.#slotAt(offset + position)
      if (this.#accepts(slot)) return slot
    }
    if (length > maxPassedOver) Atomics.add(this.#columns.control, control.cutWalks, 1)
    return -1
  }

  /** Begins where round robin would, so that keys of equal load take turns; a key without requests ends the search. */
  #leastInFlight(offset: number, length: number, cursor: number): number {
    const { inFlight } = this.#columns
    const start = this.#advance(cursor)
    let best = -1
    let least = 0
    let compared = 0
    for (let step = 0; step < Math.min(length, maxPassedOver) && compared < maxCompared; step += 1) {
      const slot = this.#slotAt(offset + ((start + step) % length))
      if (!this.#accepts(slot)) continue
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
  #byShare(offset: number, length: number, cursor: number): number {
    const { weight } = this.#columns
    let sum = 0
    for (let at = 0; at < length; at += 1) {
      const slot = this.#slotAt(offset + at)
      if (this.#accepts(slot)) sum += weight[slot] as number
    }
    if (sum === 0) return -1
    let left = ((this.#advance(cursor) * goldenRatio) % 1) * sum
    let last = -1
    for (let at = 0; at < length; at += 1) {
      const slot = this.#slotAt(offset + at)
      if (!this.#accepts(slot)) continue
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
  #byTurn(offset: number, length: number, cursor: number, maxWeightWord: number): number {
    const { weight, headers } = this.#columns
    const greatest = Math.max(1, Atomics.load(headers, maxWeightWord))
    let met = 0
    let heaviest = -1
    for (let step = 0; step < maxPassedOver; step += 1) {
      const count = this.#advance(cursor)
      const slot = this.#slotAt(offset + (count % length))
      if (!this.#accepts(slot)) continue
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
