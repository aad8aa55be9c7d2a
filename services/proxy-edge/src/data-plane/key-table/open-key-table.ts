// The key table as a worker sees it: picks without locks, and puts new facts into force for all workers at once. Also the
// main thread's own view. Nothing is allocated by a pick.
// Invariant: a slot that `pick` answers was usable, untried and of the group at the moment its place was read.

import type { Headroom } from '@gpt-load/channels/rate-limit-headroom'
import { keyStates, severityOf, type KeyFacts } from '@gpt-load/contracts/key-state'
import { pushAttention } from './attention-queue.ts'
import { writeFacts } from './key-mutation.ts'
import { hashText, type TextHash } from './hash-text.ts'
import { countRequest, enterKey, leaveKey, spendTokens } from './key-load.ts'
import { learnQuota, quotaModelOf, useQuota } from './key-quota.ts'
import type { KeySurvey, KeyTable } from './key-table.ts'
import { mergeReport } from './merge-views.ts'
import { ModelDeviations } from './model-deviations.ts'
import type { PickRules } from './pick-rules.ts'
import { ResourceKeys } from './resource-keys.ts'
import { RuledPick, type SlotFilter } from './ruled-pick.ts'
import { readSecret } from './secret-arena.ts'
import { control, header, headerWords, SharedColumns, setWord, type KeyTableHandles } from './shared-columns.ts'
import { searchSticky } from './sticky-index.ts'
import { factsOf, readFacts, serverNowMs } from './stored-facts.ts'
import { cursorWord, membership, placeOf, setBase, type Membership } from './usable-set.ts'
import { createWorkerLock, type WriterLock } from './writer-lock.ts'

/** Steps that advance the shared cursor, so that the neighbour of a limited key does not get double traffic. */
const sharedSteps = 16
/** Entries looked at by one pick: 0.2 ms when all of them miss the cache. Counted when it was not enough. */
const maxWalkSteps = 4_096
/** Rounds of a sticky search while the index changes; after them an answer may differ from another edge's. */
const maxStickyRounds = 8
/** The walk over the model table that `earliestReturn` needs is made at most this often per worker. */
const modelReturnCacheMs = 50
/** Keys that one survey looks at: 20 ms of the main thread at the most. */
export const maxSurveyed = 100_000
const usableMembers = [membership.active, membership.suspect] as const
const nobodyTried = new Int32Array(0)
const noModel: TextHash = { high: 0, low: 0 }

export type OpenKeyTableOptions = {
  handles: KeyTableHandles
  /** Number of this thread, unique in the process while it lives; workers count from 2. */
  owner: number
  nowMs?: () => number
}

export function openKeyTable({ handles, owner, nowMs = Date.now }: OpenKeyTableOptions): KeyTable {
  const columns = new SharedColumns(handles)
  const models = new ModelDeviations(columns, owner)
  return new SharedKeyTable({ columns, models, lock: createWorkerLock(columns, owner), nowMs })
}

type Parts = { columns: SharedColumns; models: ModelDeviations; lock: WriterLock; nowMs: () => number }

export class SharedKeyTable implements KeyTable, SlotFilter {
  readonly #columns: SharedColumns
  readonly #models: ModelDeviations
  readonly #lock: WriterLock
  readonly #nowMs: () => number
  readonly #ruledPick: RuledPick
  readonly #resources: ResourceKeys
  // What the search under way asks for; fields in place of a closure per pick.
  #wantedPlace = 0
  #tried: Int32Array = new Int32Array(0)
  #triedCount = 0
  #model: TextHash = noModel
  #isModelWanted = false
  #hashedModel = ''
  #modelHash: TextHash = noModel
  #modelReturn = { groupNumber: -1, model: '', until: 0, readAtMs: 0 }

  constructor({ columns, models, lock, nowMs }: Parts) {
    this.#columns = columns
    this.#models = models
    this.#lock = lock
    this.#nowMs = nowMs
    this.#ruledPick = new RuledPick(columns)
    this.#resources = new ResourceKeys(columns)
  }

  pick(groupNumber: number, model: string, tried: Int32Array, triedCount: number): number {
    this.#ask(groupNumber, model, tried, triedCount)
    const slot = this.#pickFrom(groupNumber, membership.active)
    return slot >= 0 ? slot : this.#pickFrom(groupNumber, membership.suspect)
  }

  pickBy(rules: PickRules, groupNumber: number, model: string, tried: Int32Array, triedCount: number): number {
    this.#ask(groupNumber, model, tried, triedCount)
    this.#beginRuled(rules, model)
    let slot = this.#pickRuled(groupNumber, membership.active)
    if (slot < 0) slot = this.#pickRuled(groupNumber, membership.suspect)
    if (slot >= 0) this.enter(rules, slot, model)
    return slot
  }

  peek(rules: PickRules | null, groupNumber: number, model: string, tried: Int32Array, triedCount: number): number {
    this.#ask(groupNumber, model, tried, triedCount)
    if (rules !== null) this.#beginRuled(rules, model)
    let spent = -1
    for (const member of usableMembers) {
      for (const slot of this.#members(groupNumber, member, maxWalkSteps)) {
        if (!this.isPickable(slot)) continue
        const verdict = rules === null ? 'free' : this.#ruledPick.verdictOf(groupNumber, slot)
        if (verdict === 'free') return slot
        if (verdict === 'spent' && spent === -1) spent = slot
      }
      if (spent !== -1) return spent
    }
    return -1
  }

  survey(rules: PickRules | null, groupNumber: number, model: string): KeySurvey {
    this.#ask(groupNumber, model, nobodyTried, 0)
    if (rules !== null) this.#beginRuled(rules, model)
    const counts: KeySurvey = { active: 0, suspect: 0, limitedForModel: 0, atCap: 0, spent: 0, surveyed: 0 }
    for (const member of usableMembers) {
      for (const slot of this.#members(groupNumber, member, maxSurveyed - counts.surveyed)) {
        counts.surveyed += 1
        const verdict = rules === null ? 'free' : this.#ruledPick.verdictOf(groupNumber, slot)
        if (!this.isPickable(slot)) counts.limitedForModel += 1
        else if (verdict === 'at_cap') counts.atCap += 1
        else if (verdict === 'spent') counts.spent += 1
        else if (member === membership.active) counts.active += 1
        else counts.suspect += 1
      }
    }
    return counts
  }

  /** Slots of a set in their turn, without moving the cursor. */
  *#members(groupNumber: number, member: Membership, most: number): Generator<number> {
    const columns = this.#columns
    const length = this.#length(groupNumber, member)
    if (length === 0) return
    columns.refresh()
    const offset = columns.headers[setBase(groupNumber, member) + setWord.ringOffset] as number
    const cursor = Atomics.load(columns.headers, cursorWord(groupNumber, member)) >>> 0
    this.#wantedPlace = placeOf(groupNumber, member)
    for (let step = 0; step < Math.min(length, most); step += 1) {
      const slot = (columns.rings[offset + ((cursor + step) % length)] as number) | 0
      if (slot >= 0 && slot < columns.slots) yield slot
    }
  }

  hasRoom(rules: PickRules, slot: number, model: string): boolean {
    this.#beginRuled(rules, model)
    return this.#ruledPick.verdictOf(this.groupNumber(slot), slot) === 'free'
  }

  #beginRuled(rules: PickRules, model: string): void {
    const isTimed = rules.learnsQuotas || rules.caps !== null
    this.#ruledPick.begin(rules, this, quotaModelOf(this.#hashOf(model)), isTimed ? this.#nowMs() : 0)
  }

  get roomAtMs(): number {
    return this.#ruledPick.roomAtMs
  }

  pickSticky(groupNumber: number, affinity: number, model: string, tried: Int32Array, triedCount: number): number {
    this.#ask(groupNumber, model, tried, triedCount)
    const slot = this.#stickyFrom(groupNumber, membership.active, affinity)
    return slot >= 0 ? slot : this.#stickyFrom(groupNumber, membership.suspect, affinity)
  }

  enter({ learnsQuotas, caps }: PickRules, slot: number, model: string): void {
    this.#see(slot)
    const columns = this.#columns
    enterKey(columns, this.groupNumber(slot), slot)
    if (caps !== null) countRequest(columns, slot, this.#nowMs())
    if (learnsQuotas) useQuota(columns, this.groupNumber(slot), slot, quotaModelOf(this.#hashOf(model)))
  }

  leave(slot: number, keyId: number): void {
    this.#see(slot)
    leaveKey(this.#columns, slot, keyId)
  }

  inFlight(slot: number): number {
    this.#see(slot)
    return Atomics.load(this.#columns.inFlight, slot)
  }

  spend(slot: number, keyId: number, tokens: number): void {
    if (this.keyId(slot) === keyId) spendTokens(this.#columns, this.groupNumber(slot), slot, tokens, this.#nowMs())
  }

  learn(slot: number, keyId: number, model: string, room: Headroom): void {
    if (this.keyId(slot) !== keyId) return
    learnQuota(this.#columns, slot, quotaModelOf(this.#hashOf(model)), room, this.#nowMs())
  }

  findResource(resource: TextHash): number {
    return this.#resources.find(resource, this.#nowMs())
  }

  learnResource(resource: TextHash, slot: number, keyId: number, endMs: number): boolean {
    return this.#resources.put(resource, keyId, slot, endMs, this.#nowMs())
  }

  isAlive(slot: number): boolean {
    this.#see(slot)
    return (this.#columns.state[slot] as number) < severityOf.invalid
  }

  keyId(slot: number): number {
    this.#see(slot)
    return this.#columns.keyId[slot] as number
  }

  groupNumber(slot: number): number {
    this.#see(slot)
    return (this.#columns.place[slot] as number) >>> 2
  }

  generation(slot: number): number {
    this.#see(slot)
    return this.#columns.generation[slot] as number
  }

  secret(slot: number): string {
    this.#see(slot)
    return readSecret(this.#columns, slot)
  }

  facts(slot: number): KeyFacts {
    this.#see(slot)
    return readFacts(this.#columns, slot)
  }

  needsSuccessReport(slot: number): boolean {
    const { failures, state } = this.#columns
    return failures[slot] !== 0 || state[slot] !== 0
  }

  apply(slot: number, keyId: number, facts: KeyFacts): boolean {
    this.#see(slot)
    const columns = this.#columns
    const groupNumber = this.groupNumber(slot)
    const serverNow = this.#serverNow()
    if (columns.keyId[slot] !== keyId || !this.#lock.acquire(groupNumber)) return false
    try {
      if (columns.keyId[slot] !== keyId || this.groupNumber(slot) !== groupNumber) return false
      const merged = mergeReport(factsOf(columns, slot), facts, serverNow)
      if (!merged) return false
      if (writeFacts(columns, groupNumber, slot, merged, serverNow)) pushAttention(columns, slot)
      return true
    } finally {
      this.#lock.release(groupNumber)
    }
  }

  applyModel(slot: number, keyId: number, model: string, facts: KeyFacts): boolean {
    this.#see(slot)
    const { keyId: ids, generation } = this.#columns
    if (ids[slot] !== keyId || (generation[slot] as number) > facts.generation) return false
    return this.#models.change(this.groupNumber(slot), keyId, hashText(model), (stored) =>
      stored ? mergeReport(stored, facts, this.#serverNow()) : facts,
    )
  }

  usableCount(groupNumber: number): number {
    return this.#length(groupNumber, membership.active) + this.#length(groupNumber, membership.suspect)
  }

  count(groupNumber: number): number {
    return this.#header(groupNumber, header.keyCount)
  }

  countByState(groupNumber: number): Record<KeyFacts['state'], number> {
    const counts = keyStates.map((state, index) => [state, this.#header(groupNumber, header.stateCounts + index)])
    return Object.fromEntries(counts) as Record<KeyFacts['state'], number>
  }

  earliestReturn(groupNumber: number, model: string): number {
    this.#columns.refresh()
    const index = (groupNumber * headerWords + header.earliestReturn) / 2
    const ofKeys = this.#columns.headers64[index] ?? 0
    const ofModel = this.#header(groupNumber, header.modelDeviations) > 0 ? this.#modelReturnOf(groupNumber, model) : 0
    const until = ofKeys === 0 || (ofModel !== 0 && ofModel < ofKeys) ? ofModel : ofKeys
    return until === 0 ? 0 : until + (this.#columns.control[control.clockSkewMs] as number)
  }

  isPickable(slot: number): boolean {
    if (Atomics.load(this.#columns.place, slot) !== this.#wantedPlace) return false
    for (let index = 0; index < this.#triedCount; index += 1) if (this.#tried[index] === slot) return false
    if (!this.#isModelWanted) return true
    const { keyId, generation } = this.#columns
    return !this.#models.isLimited(keyId[slot]!, generation[slot]!, this.#model, this.#serverNow())
  }

  #ask(groupNumber: number, model: string, tried: Int32Array, triedCount: number): void {
    this.#tried = tried
    this.#triedCount = triedCount
    this.#isModelWanted = model !== '' && this.#header(groupNumber, header.modelDeviations) > 0
    if (this.#isModelWanted) this.#model = this.#hashOf(model)
  }

  #pickFrom(groupNumber: number, member: Membership): number {
    const length = this.#length(groupNumber, member)
    if (length === 0) return -1
    const columns = this.#columns
    const offset = columns.headers[setBase(groupNumber, member) + setWord.ringOffset] as number
    if (offset + length > columns.rings.length) columns.refresh()
    this.#wantedPlace = placeOf(groupNumber, member)
    const cursor = cursorWord(groupNumber, member)
    const shared = Math.min(sharedSteps, length)
    const steps = Math.min(shared + length, maxWalkSteps)
    let position = 0
    for (let step = 0; step < steps; step += 1) {
      position = step < shared ? (Atomics.add(columns.headers, cursor, 1) >>> 0) % length : (position + 1) % length
      const slot = (columns.rings[offset + position] as number) | 0
      if (slot >= columns.slots) columns.refresh()
      if (slot >= 0 && slot < columns.slots && this.isPickable(slot)) return slot
    }
    if (steps === maxWalkSteps) Atomics.add(columns.control, control.cutWalks, 1)
    return -1
  }

  #pickRuled(groupNumber: number, member: Membership): number {
    const length = this.#length(groupNumber, member)
    if (length === 0) return -1
    this.#wantedPlace = placeOf(groupNumber, member)
    return this.#ruledPick.pick(groupNumber, member, length)
  }

  #stickyFrom(groupNumber: number, member: Membership, affinity: number): number {
    const columns = this.#columns
    if (this.#length(groupNumber, member) === 0) return -1
    this.#wantedPlace = placeOf(groupNumber, member)
    const set = setBase(groupNumber, member)
    for (let round = 0; ; round += 1) {
      columns.refresh()
      const version = Atomics.load(columns.headers, set + setWord.version)
      const slot = searchSticky(columns, set, affinity, this)
      const isWhole = (version & 1) === 0 && Atomics.load(columns.headers, set + setWord.version) === version
      if (isWhole || round === maxStickyRounds) return slot
    }
  }

  #length(groupNumber: number, member: Membership): number {
    return this.#word(setBase(groupNumber, member) + setWord.length)
  }

  #header(groupNumber: number, word: number): number {
    return this.#word(groupNumber * headerWords + word)
  }

  /** 0 for a group that nobody has opened yet. */
  #word(index: number): number {
    const columns = this.#columns
    if (index >= columns.headers.length) columns.refresh()
    return index < columns.headers.length ? Atomics.load(columns.headers, index) : 0
  }

  #see(slot: number): void {
    if (slot >= this.#columns.slots) this.#columns.refresh()
  }

  #serverNow(): number {
    return serverNowMs(this.#columns, this.#nowMs())
  }

  #hashOf(model: string): TextHash {
    if (model !== this.#hashedModel) {
      this.#hashedModel = model
      this.#modelHash = hashText(model)
    }
    return this.#modelHash
  }

  #modelReturnOf(groupNumber: number, model: string): number {
    if (model === '') return 0
    const now = this.#nowMs()
    const known = this.#modelReturn
    const isFresh =
      known.groupNumber === groupNumber && known.model === model && now - known.readAtMs < modelReturnCacheMs
    if (isFresh) return known.until
    const until = this.#models.earliestReturn(groupNumber, hashText(model), this.#serverNow())
    this.#modelReturn = { groupNumber, model, until, readAtMs: now }
    return until
  }
}
