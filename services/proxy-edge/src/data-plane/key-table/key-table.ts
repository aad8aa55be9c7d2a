import type { Headroom } from '@gpt-load/channels/rate-limit-headroom'
import type { KeyFacts } from '@gpt-load/contracts/key-state'
import type { TextHash } from './hash-text.ts'
import type { PickRules } from './pick-rules.ts'

/** Usable keys by what keeps them from a request; each counts once, by the first that holds. */
export type KeySurvey = {
  active: number
  suspect: number
  limitedForModel: number
  atCap: number
  spent: number
  /** Fewer than the usable keys when those are too many to look at. */
  surveyed: number
}

/**
 * Port: the table of provider keys that the request path reads. Typed columns by slot number, shared by all workers; no key
 * objects, no Map of keys. Readers never lock. A slot may be given to another key while a request holds its number: whoever
 * acts later compares `keyId` (and `generation`). Groups have dense numbers (`groupNumber`), given by the control side.
 */
export interface KeyTable {
  /**
   * Next usable slot of the group by rotation, none of the first `triedCount` of `tried`; -1 = none. Active keys come
   * first; suspect ones only when no active key is left. `model` leaves out keys that are limited for it ('' = any).
   */
  pick(groupNumber: number, model: string, tried: Int32Array, triedCount: number): number
  /**
   * The same, by the rules of the group; the key is entered by the pick, so that the next one sees its load. Whoever does
   * not use it, or has used it, leaves it.
   */
  pickBy(rules: PickRules, groupNumber: number, model: string, tried: Int32Array, triedCount: number): number
  /** What a pick would answer now, without taking anybody's turn. `rules` null: plain rotation. */
  peek(rules: PickRules | null, groupNumber: number, model: string, tried: Int32Array, triedCount: number): number
  /** The same key for the same `affinity` on every edge while it is usable (rendezvous hash), for stateful paths. */
  pickSticky(groupNumber: number, affinity: number, model: string, tried: Int32Array, triedCount: number): number

  /** A key that was chosen otherwise would be by the rules too: it has room, and is not spent. */
  hasRoom(rules: PickRules, slot: number, model: string): boolean
  /** When a key that the caps kept from the last `pickBy` has room again, epoch ms; 0 = caps kept none. */
  readonly roomAtMs: number
  /** One more request under way on the key, and one less. For groups with rules. */
  enter(rules: PickRules, slot: number, model: string): void
  leave(slot: number, keyId: number): void
  inFlight(slot: number): number
  /** Tokens that a request on the key has taken. */
  spend(slot: number, keyId: number, tokens: number): void
  /** What an answer to a request for `model` says that the key has left. */
  learn(slot: number, keyId: number, model: string, room: Headroom): void

  /** Slot of the key that made the resource; -1 = not known, `goneSlot` (resource-keys) = its key is gone. */
  findResource(resource: TextHash): number
  /** True: it is news. */
  learnResource(resource: TextHash, slot: number, keyId: number, endMs: number): boolean
  /** The key may be asked for what it has made: it is not condemned and not disabled, limited or not. */
  isAlive(slot: number): boolean

  keyId(slot: number): number
  groupNumber(slot: number): number
  generation(slot: number): number
  /** The secret as a latin1 string, made on each call; '' when the slot was vacated meanwhile. */
  secret(slot: number): string
  /** Stored facts; a fresh object, so not on the path of a successful first attempt. */
  facts(slot: number): KeyFacts
  /** Cheap test for the success path: the counter is above zero or the state is not active. */
  needsSuccessReport(slot: number): boolean

  /**
   * Puts new facts of one generation into force for all workers at once (merged, severity and deadline by max). False when
   * the slot belongs to another key now or holds a newer generation: nothing was changed.
   */
  apply(slot: number, keyId: number, facts: KeyFacts): boolean
  /** A limit of one model only. */
  applyModel(slot: number, keyId: number, model: string, facts: KeyFacts): boolean

  /** Why usable keys would be passed over; of the first `maxSurveyed` of them. For people, not for requests. */
  survey(rules: PickRules | null, groupNumber: number, model: string): KeySurvey
  usableCount(groupNumber: number): number
  /** Keys of the group in all, and by stored state. */
  count(groupNumber: number): number
  countByState(groupNumber: number): Record<KeyFacts['state'], number>
  /** Earliest `until` among keys that are out only for a time; 0 = none. Epoch ms, edge clock. */
  earliestReturn(groupNumber: number, model: string): number
}
