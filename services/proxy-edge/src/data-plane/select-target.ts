import type { KeyTable } from './key-table/key-table.ts'
import type { PickRules } from './key-table/pick-rules.ts'
import { goneSlot } from './key-table/resource-keys.ts'
import type { UsedKey } from './observe/key-outcomes.ts'
import type { LearntResources } from './observe/learnt-resources.ts'
import type { GroupPlan } from './plan/group-plan.ts'
import type { UpstreamTarget } from './plan/upstream-target.ts'
import type { RequestFacts } from './request-facts.ts'
import type { RequestServices } from './request-services.ts'
import { decideModel, isModelOffered } from './shape/decide-model.ts'
import type { TriedLists } from './tried-lists.ts'
import type { UpstreamChooser } from './upstream-health/choose-upstream.ts'

/** Where one attempt goes. */
export type Target = UsedKey & {
  readonly plan: GroupPlan
  readonly upstream: UpstreamTarget
  readonly upstreamIndex: number
  /** The circuit of the upstream is not closed: what becomes of this attempt decides about it. */
  readonly isTrial: boolean
  readonly secret: string
  /** As it goes out: what the caller asked for, an override or a redirect. */
  readonly model: string
}

/** What it asks of the key table. */
export type SelectorTable = Pick<
  KeyTable,
  | 'pick'
  | 'pickBy'
  | 'pickSticky'
  | 'hasRoom'
  | 'roomAtMs'
  | 'enter'
  | 'leave'
  | 'inFlight'
  | 'isAlive'
  | 'keyId'
  | 'groupNumber'
  | 'generation'
  | 'secret'
  | 'count'
  | 'usableCount'
>

export type SelectorServices = Pick<RequestServices, 'upstreams' | 'triedLists' | 'resources'> & {
  readonly table: SelectorTable
}

/**
 * Chooses member, key and upstream of each attempt of one request. No key twice, unless the upstream was at fault and no
 * other key is left; another upstream first after one failed; in an aggregate the next member when one has nothing left or
 * its own attempts are used up.
 */
export class TargetSelector {
  readonly #table: SelectorTable
  readonly #upstreams: UpstreamChooser
  readonly #lists: TriedLists
  readonly #outer: GroupPlan
  readonly #facts: RequestFacts
  /** Set for requests that stick to one key. */
  readonly #accessKeyId: number
  #plan: GroupPlan | null
  #memberIndex = 0
  /** By member; a group that is none has one entry. */
  readonly #attempts: number[]
  #tried: Int32Array
  #triedCount = 0
  readonly #maxKeys: number
  /** By place in `#tried`: the key itself was refused. Null: none was. */
  #isFaulty: Uint8Array | null = null
  /** The key that this request has entered; only of groups with rules. */
  #enteredSlot = -1
  #enteredKeyId = 0
  #failedUpstreams: Uint8Array | null = null
  #skippedMembers: Uint8Array | null = null
  /** Members were left out for the model alone. */
  isModelMissing = false
  /** The key that made what the request names; -1 = not known. */
  readonly #ownerSlot: number
  /** That key was known and is no longer there, or may not be used. */
  readonly isOwnerGone: boolean
  /** When a key that caps kept out has room again, epoch ms; 0 = none was kept out by the last `select`. */
  roomAtMs = 0
  /** The model that keys were last asked for. */
  model: string

  constructor(services: SelectorServices, outer: GroupPlan, facts: RequestFacts, accessKeyId: number) {
    this.#table = services.table
    this.#upstreams = services.upstreams
    this.#lists = services.triedLists
    this.#outer = outer
    this.#facts = facts
    this.#accessKeyId = accessKeyId
    this.#plan = outer.isAggregate ? null : outer
    this.#maxKeys = outer.settings.max_keys_per_request
    this.#tried = this.#lists.take(this.#maxKeys)
    this.#attempts = outer.isAggregate ? outer.members.map(() => 0) : [0]
    this.model = facts.model
    const found = this.#findOwner(services.resources)
    this.isOwnerGone = found !== -1 && !this.#isUsableOwner(found)
    this.#ownerSlot = this.isOwnerGone ? -1 : found
  }

  /** One key alone can answer; what the pool can do is another matter. */
  get hasOwner(): boolean {
    return this.#ownerSlot >= 0
  }

  /** Another member's keys know nothing of what this request is about. */
  get #isStuck(): boolean {
    return this.hasOwner || (this.#facts.isSticky && !this.#outer.settings.keys_share_organization)
  }

  #findOwner(resources: LearntResources): number {
    const { resourceId } = this.#facts
    if (resourceId === '' || this.#outer.settings.keys_share_organization) return -1
    return resources.find(this.#outer, resourceId)
  }

  #isUsableOwner(slot: number): boolean {
    if (slot === goneSlot || !this.#table.isAlive(slot)) return false
    const groupNumber = this.#table.groupNumber(slot)
    const { isAggregate, members, number } = this.#outer
    return isAggregate ? members.some((member) => member.number === groupNumber) : number === groupNumber
  }

  select(): Target | null {
    this.#leaveKey()
    this.roomAtMs = 0
    for (;;) {
      if (this.#plan === null && !this.#enterMember()) return null
      const plan = this.#plan!
      const target = this.#hasAttempts(plan, this.#memberIndex) ? this.#pick(plan) : null
      if (target !== null) {
        this.#attempts[this.#memberIndex]! += 1
        return target
      }
      if (!this.#outer.isAggregate) return null
      this.#skippedMembers![this.#memberIndex] = 1
      this.#plan = null
    }
  }

  /** A key that comes back could serve this request: it has attempts left, and there are keys that it has not tried. */
  get mayWait(): boolean {
    if (this.hasOwner || this.#triedCount >= this.#maxKeys) return false
    const { isAggregate, members } = this.#outer
    let keys = 0
    for (const [index, plan] of (isAggregate ? members : [this.#outer]).entries())
      if (this.#hasAttempts(plan, index)) keys += this.#table.count(plan.number)
    return keys > this.#triedCount
  }

  /** Members that had no key are asked again. */
  reopen(): void {
    this.#skippedMembers?.fill(0)
  }

  /** What was learnt of the last attempt, for the next choice. */
  keyFailed(slot: number): void {
    this.#isFaulty ??= new Uint8Array(this.#maxKeys)
    for (let index = 0; index < this.#triedCount; index += 1) if (this.#tried[index] === slot) this.#isFaulty[index] = 1
  }

  upstreamFailed({ plan, upstreamIndex }: Target): void {
    if (plan !== this.#plan || plan.upstreams.length < 2) return
    this.#failedUpstreams ??= new Uint8Array(plan.upstreams.length)
    this.#failedUpstreams[upstreamIndex] = 1
  }

  /** No further choice will be asked for: the list goes back for the next request. False = it has a key to leave at the end. */
  settle(): boolean {
    this.#lists.giveBack(this.#tried)
    this.#tried = none
    this.#triedCount = 0
    return this.#enteredSlot === -1
  }

  release(): void {
    this.#leaveKey()
    this.settle()
  }

  #pick(plan: GroupPlan): Target | null {
    const upstreamIndex = this.#upstreams.choose(plan, this.#failedUpstreams)
    if (upstreamIndex === -1) return null
    const target = this.#pickFor(plan, upstreamIndex)
    if (target === null) this.#upstreams.giveBack()
    return target
  }

  #pickFor(plan: GroupPlan, upstreamIndex: number): Target | null {
    const { isTrial } = this.#upstreams
    const upstream = plan.upstreams[upstreamIndex]!
    const table = this.#table
    const { model: asked, place } = this.#facts
    const model = decideModel(this.#outer, plan, asked, place) ?? asked
    this.model = model
    // A slot may be vacated between pick and read: such a pick costs nothing, and there are few.
    for (let round = 0; round < maxVacated; round += 1) {
      const slot = this.#pickSlot(plan)
      if (slot === -1) return null
      const keyId = table.keyId(slot)
      const generation = table.generation(slot)
      const secret = table.secret(slot)
      if (secret === '' || table.keyId(slot) !== keyId) continue
      return { slot, keyId, generation, plan, upstream, upstreamIndex, isTrial, secret, model }
    }
    return null
  }

  #pickSlot(plan: GroupPlan): number {
    const isFull = this.#triedCount >= this.#tried.length || this.#triedCount >= this.#maxKeys
    const slot = isFull ? -1 : this.#ask(plan, this.#tried, this.#triedCount)
    if (slot === -1) return this.#pickAgain(plan)
    this.#tried[this.#triedCount] = slot
    this.#triedCount += 1
    return slot
  }

  /** No untried key is left: one that was not at fault may serve again at another try of the upstream. */
  #pickAgain(plan: GroupPlan): number {
    const faulty = new Int32Array(this.#triedCount)
    let count = 0
    for (let index = 0; index < this.#triedCount; index += 1) {
      if (this.#isFaulty === null || this.#isFaulty[index] === 0) continue
      faulty[count] = this.#tried[index]!
      count += 1
    }
    const slot = this.#triedCount === 0 ? -1 : this.#ask(plan, faulty, count)
    if (slot !== -1 && this.#wasTried(slot)) return slot
    this.#leaveKey()
    return -1
  }

  #wasTried(slot: number): boolean {
    for (let index = 0; index < this.#triedCount; index += 1) if (this.#tried[index] === slot) return true
    return false
  }

  #ask(plan: GroupPlan, tried: Int32Array, count: number): number {
    const { pickRules: rules, number } = plan
    const table = this.#table
    this.#leaveKey()
    if (this.hasOwner) return this.#askOwner(rules, tried, count)
    if (this.#facts.isSticky && !plan.settings.keys_share_organization) {
      const slot = table.pickSticky(number, affinityOf(plan.id, this.#accessKeyId), this.model, tried, count)
      if (rules !== null && slot !== -1) table.enter(rules, slot, this.model)
      return this.#entered(rules, slot)
    }
    if (this.#facts.session !== '') {
      const slot = this.#askAffine(plan, tried, count)
      if (slot !== -1) return this.#entered(rules, slot)
    }
    if (rules === null) return table.pick(number, this.model, tried, count)
    const slot = table.pickBy(rules, number, this.model, tried, count)
    if (slot === -1 && table.roomAtMs !== 0)
      this.roomAtMs = this.roomAtMs === 0 ? table.roomAtMs : Math.min(this.roomAtMs, table.roomAtMs)
    return this.#entered(rules, slot)
  }

  /** What one key has made no other key knows: that one or none, also while it is limited, since its answer is the true one. */
  #askOwner(rules: PickRules | null, tried: Int32Array, count: number): number {
    const slot = this.#ownerSlot
    for (let index = 0; index < count; index += 1) if (tried[index] === slot) return -1
    if (!this.#table.isAlive(slot)) return -1
    if (rules !== null) this.#table.enter(rules, slot, this.model)
    return this.#entered(rules, slot)
  }

  /** The key of the session, unless it has enough to do: then this request rotates. */
  #askAffine({ id, number, pickRules: rules }: GroupPlan, tried: Int32Array, count: number): number {
    const affinity = affinityOf(id, this.#accessKeyId, this.#facts.session)
    const slot = this.#table.pickSticky(number, affinity, this.model, tried, count)
    if (slot === -1 || rules === null) return slot
    const isBusy = this.#table.inFlight(slot) >= this.#outer.affinity!.maxRequests
    if (isBusy || !this.#table.hasRoom(rules, slot, this.model)) return -1
    this.#table.enter(rules, slot, this.model)
    return slot
  }

  #entered(rules: PickRules | null, slot: number): number {
    if (rules === null || slot === -1) return slot
    this.#enteredSlot = slot
    this.#enteredKeyId = this.#table.keyId(slot)
    return slot
  }

  #leaveKey(): void {
    if (this.#enteredSlot === -1) return
    this.#table.leave(this.#enteredSlot, this.#enteredKeyId)
    this.#enteredSlot = -1
  }

  #enterMember(): boolean {
    const { members } = this.#outer
    this.#skippedMembers ??= new Uint8Array(members.length)
    for (const [index, member] of members.entries())
      if (!this.#hasAttempts(member, index) || !this.#canServe(member)) this.#skippedMembers[index] = 1
    // What one key has made is nowhere else, however that member's upstreams are.
    this.#memberIndex = this.#nextMember(this.#isStuck ? this.#skippedMembers : this.#withoutOpen())
    if (this.#memberIndex === -1) return false
    this.#plan = members[this.#memberIndex]!
    this.#failedUpstreams = null
    return true
  }

  /** Members whose upstreams are all open come last; the marks of the others as they are. */
  #withoutOpen(): Uint8Array {
    const { members } = this.#outer
    const skipped = this.#skippedMembers!
    let marks = skipped
    for (let index = 0; index < members.length; index += 1) {
      if (skipped[index] === 1 || this.#upstreams.hasClosed(members[index]!)) continue
      if (marks === skipped) marks = skipped.slice()
      marks[index] = 1
    }
    return marks.includes(0) ? marks : skipped
  }

  #nextMember(skipped: Uint8Array): number {
    const { members, memberRotation } = this.#outer
    if (this.hasOwner) {
      const owner = members.findIndex(({ number }) => number === this.#table.groupNumber(this.#ownerSlot))
      return skipped[owner] === 0 ? owner : -1
    }
    const { isSticky, session } = this.#facts
    if (session === '' && !this.#isStuck) return memberRotation.next(skipped)
    let best = -1
    let bestScore = Infinity
    for (let index = 0; index < members.length; index += 1) {
      const score = stickyScore(
        affinityOf(members[index]!.id, this.#accessKeyId, isSticky ? '' : session),
        memberRotation.weightOf(index),
      )
      if (skipped[index] === 1 || score >= bestScore) continue
      best = index
      bestScore = score
    }
    return best
  }

  #hasAttempts({ settings }: GroupPlan, index: number): boolean {
    return this.#attempts[index]! <= settings.max_retries
  }

  #canServe(member: GroupPlan): boolean {
    if (!member.isEnabled || member.upstreams.length === 0) return false
    if (!isModelOffered(this.#outer, member, this.#facts.model, this.#facts.place)) {
      this.isModelMissing = true
      return false
    }
    return this.hasOwner || this.#table.usableCount(member.number) > 0
  }
}

const maxVacated = 4
const none = new Int32Array(0)

/**
 * Weighted rendezvous hash: the lowest score wins, the same on every edge, and a member that comes or goes moves its own
 * share only. The multiplications spread what FNV-1a leaves in the low bits.
 */
function stickyScore(affinity: number, weight: number): number {
  const mixed = Math.imul(affinity ^ (affinity >>> 16), 0x85ebca6b)
  const spread = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return -Math.log((((spread ^ (spread >>> 16)) >>> 0) + 1) / 4_294_967_297) / weight
}

/** FNV-1a over group, access key and session: the same on every edge. */
export function affinityOf(groupId: number, accessKeyId: number, session = ''): number {
  let hash = 0x811c9dc5
  for (const character of `${groupId}:${accessKeyId}${session}`)
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  return hash >>> 0
}
