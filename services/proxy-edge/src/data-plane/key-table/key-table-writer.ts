// The key table's main-thread side: what the control plane says goes in here, deadlines are watched here, memory is given
// and taken here. One table, changed in place, for the life of the process: a full base is merged into it key by key and
// what it did not name is removed at its end, so two tables never exist.
// Invariant: after every call, rings, counters, hashes and heaps equal what the columns say (test/support/check-key-table).
// Left out: who calls it and when (control-plane/snapshot-sync.ts).

import { keyStates, type KeyFacts } from '@gpt-load/contracts/key-state'
import type { KeyModelsRecord, KeysRecord, KeyStatesRecord } from '@gpt-load/contracts/snapshot'
import type { QuotaWindow } from '@gpt-load/key-health/capacity'
import { equalFacts } from '@gpt-load/key-health/merge-facts'
import { createStateHash, type StateHash } from '@gpt-load/key-health/state-hash'
import type { Clock, Timer } from '@gpt-load/service-kit/clock'
import { createAttentionReader } from './attention-queue.ts'
import { createDeadlineWatch } from './deadline-watch.ts'
import { createKeyIdIndex } from './key-id-index.ts'
import { hashText, type TextHash } from './hash-text.ts'
import { forgetInFlight, forgetLoad } from './key-load.ts'
import { forgetQuota } from './key-quota.ts'
import { surveyQuotas } from './quota-survey.ts'
import { forgetFacts, readGroupHash, writeFacts, writeNewFacts } from './key-mutation.ts'
import type { KeyTable } from './key-table.ts'
import { mergeFromControlPlane } from './merge-views.ts'
import { defaultMaxModelDeviations, ModelDeviations, modelTableBytes } from './model-deviations.ts'
import { SharedKeyTable } from './open-key-table.ts'
import { ResourceKeys, resourceTableBytes } from './resource-keys.ts'
import { createRingArena } from './ring-arena.ts'
import { createSecretArena, maxSecretBytes } from './secret-arena.ts'
import {
  allocateHandles,
  control,
  header,
  headerWords,
  SharedColumns,
  setWord,
  type KeyTableHandles,
} from './shared-columns.ts'
import { createSlotAllocator } from './slot-allocator.ts'
import { factsOf, isOutForATime, membershipOf, serverNowMs, withoutDue } from './stored-facts.ts'
import { membership, moveToSet, placeOf, setBase, type Membership } from './usable-set.ts'
import { createMainLock, lockWord, mainOwner, releaseWord } from './writer-lock.ts'

/** How late a key may return after its deadline. */
export const tickIntervalMs = 50
const modelSweepIntervalMs = 60_000

/** `merge`: within one epoch. `replace`: another epoch, whose generations mean nothing here. */
export type PutMode = 'merge' | 'replace'

export type KeyTableStats = {
  keys: number
  slots: number
  secretBytes: number
  secretLiveBytes: number
  ringWords: number
  modelDeviations: number
  modelDeviationsRefused: number
  cutWalks: number
  lockTimeouts: number
  lockSteals: number
  refusedKeys: number
  resources: number
  resourcesLost: number
}

export interface KeyTableWriter {
  /** What `openKeyTable` needs in a worker; constant, growth needs no message. */
  readonly handles: KeyTableHandles
  /** The main thread's own view. */
  readonly table: KeyTable
  openGroup(groupNumber: number): void
  /** Removes its keys. */
  closeGroup(groupNumber: number): void
  putKeys(groupNumber: number, rows: KeysRecord['rows'], mode: PutMode): void
  /** Unknown ids are passed over. */
  putStates(rows: KeyStatesRecord['rows'], mode: PutMode): void
  putModels(rows: KeyModelsRecord['rows'], mode: PutMode): void
  removeKeys(keyIds: readonly number[]): void
  /** From here on `putKeys` marks; `endSweep` removes what was not marked and tells how many. */
  beginSweep(): void
  endSweep(): number
  abandonSweep(): void
  /** Which key made a resource; unknown keys are passed over. */
  putResource(hash: TextHash, keyId: number, endMs: number): void
  forgetResources(): void
  /** Edges that share the caps of keys, this one included. */
  setLiveEdges(count: number): void
  /** Edge clock minus server clock. */
  setClockSkewMs(skewMs: number): void
  /** -1 = unknown. */
  slotOf(keyId: number): number
  /** Looks at what workers changed, returns keys whose deadline has passed. `start` calls it every 50 ms. */
  tick(): void
  start(): void
  close(): void
  /** A worker has died: what it held is repaired and freed. */
  recoverFrom(owner: number): void
  stateHash(): StateHash
  groupStateHash(groupNumber: number): StateHash
  stats(): KeyTableStats
  /** What is known of the quotas of usable keys, by group number. */
  quotas(): ReadonlyMap<number, readonly QuotaWindow[]>
  /** Words that run over; groups with rules only. */
  burnt(groupNumber: number): { requests: number; tokens: number }
}

/** Room for suspect keys that is there beforehand: a small pool must not be without keys until the main thread has made some. */
const readySuspects = 64

export function createKeyTable(options: { clock: Clock; maxModelDeviations?: number }): KeyTableWriter {
  const { clock, maxModelDeviations = defaultMaxModelDeviations } = options
  const columns = new SharedColumns(allocateHandles(modelTableBytes(maxModelDeviations), resourceTableBytes))
  columns.control[control.modelMax] = maxModelDeviations
  const index = createKeyIdIndex((slot) => columns.keyId[slot] as number)
  const slots = createSlotAllocator(columns, () => clock.monotonicMs())
  const secrets = createSecretArena(columns)
  const rings = createRingArena(columns)
  const models = new ModelDeviations(columns, mainOwner)
  const resources = new ResourceKeys(columns)
  const lock = createMainLock(columns, rebuildGroup)
  const deadlines = createDeadlineWatch(columns)
  const readAttention = createAttentionReader(columns)
  const table = new SharedKeyTable({ columns, models, lock, nowMs: () => clock.nowMs() })
  const openGroups = new Set<number>()
  let seen: Uint8Array | undefined
  let refusedKeys = 0
  let timer: Timer | undefined
  let isClosed = false
  let sweptModelsAtMs = clock.monotonicMs()

  function now(): number {
    return serverNowMs(columns, clock.nowMs())
  }

  function locked(groupNumber: number, change: () => void): void {
    lock.acquire(groupNumber)
    try {
      change()
      deadlines.publish(groupNumber)
    } finally {
      lock.release(groupNumber)
    }
  }

  /** Under the lock: facts into the columns; rings grown when there is no room. */
  function write(groupNumber: number, slot: number, facts: KeyFacts): void {
    writeFacts(columns, groupNumber, slot, facts, now())
    settle(groupNumber, slot)
  }

  /** Under the lock: puts the slot where its facts belong and its deadline under watch, or ends one that has passed. */
  function settle(groupNumber: number, slot: number): void {
    const facts = factsOf(columns, slot)
    const lasting = withoutDue(facts, now())
    if (lasting !== facts) writeFacts(columns, groupNumber, slot, lasting, now())
    const state = columns.state[slot] as number
    const until = columns.until[slot] as number
    const serverNow = now()
    enter(groupNumber, slot, membershipOf(state, until, serverNow))
    if (isOutForATime(state, until, serverNow)) deadlines.watch(groupNumber, slot)
    else deadlines.forget(slot)
  }

  function enter(groupNumber: number, slot: number, member: Membership): void {
    if (moveToSet(columns, groupNumber, slot, member)) return
    const set = setBase(groupNumber, member)
    rings.reserve(set, (columns.headers[set + setWord.length] as number) + 1)
    moveToSet(columns, groupNumber, slot, member)
  }

  function putKey(groupNumber: number, row: KeysRecord['rows'][number], mode: PutMode): void {
    const [keyId, stateIndex, until, generation, failures, weight, secret] = row
    const bytes = Buffer.from(secret)
    const state = keyStates[stateIndex]
    if (state === undefined || bytes.length === 0 || bytes.length > maxSecretBytes) return void (refusedKeys += 1)
    const facts = { state, until, generation, failures }
    const known = ownSlot(groupNumber, keyId)
    const slot = known >= 0 ? known : addKey(groupNumber, keyId, facts, bytes)
    columns.weight[slot] = Math.min(weight, 65_535)
    mark(slot)
    if (known >= 0) updateKey(groupNumber, known, facts, bytes, mode)
  }

  /** The slot of a key of this group; a key that has changed its group gets another slot. */
  function ownSlot(groupNumber: number, keyId: number): number {
    const slot = index.slotOf(keyId)
    if (slot < 0) return -1
    const before = (columns.place[slot] as number) >>> 2
    if (before === groupNumber) return slot
    locked(before, () => vacate(before, slot))
    return -1
  }

  function addKey(groupNumber: number, keyId: number, facts: KeyFacts, secret: Uint8Array): number {
    const slot = slots.take()
    forgetLoad(columns, slot)
    forgetQuota(columns, slot)
    columns.keyId[slot] = keyId
    index.add(keyId, slot)
    secrets.put(slot, secret)
    Atomics.store(columns.place, slot, placeOf(groupNumber, membership.out))
    writeNewFacts(columns, groupNumber, slot, facts, now())
    settle(groupNumber, slot)
    return slot
  }

  function updateKey(groupNumber: number, slot: number, facts: KeyFacts, secret: Uint8Array, mode: PutMode): void {
    if (!secrets.equals(slot, secret)) {
      secrets.remove(slot)
      secrets.put(slot, secret)
    }
    const current = factsOf(columns, slot)
    const merged = mode === 'replace' ? facts : mergeFromControlPlane(current, facts)
    // A base says again what most keys are already.
    if (merged && !equalFacts(merged, current)) write(groupNumber, slot, merged)
  }

  /** Under the lock. */
  function vacate(groupNumber: number, slot: number): void {
    deadlines.forget(slot)
    forgetFacts(columns, groupNumber, slot)
    Atomics.store(columns.place, slot, membership.vacant)
    secrets.remove(slot)
    index.remove(columns.keyId[slot] as number)
    columns.keyId[slot] = 0
    slots.vacate(slot)
  }

  function vacateAll(isLeaving: (slot: number, groupNumber: number) => boolean): number {
    let count = 0
    for (let slot = 0; slot < slots.filled; slot += 1) {
      const place = columns.place[slot] as number
      if ((place & 3) === membership.vacant || !isLeaving(slot, place >>> 2)) continue
      locked(place >>> 2, () => vacate(place >>> 2, slot))
      count += 1
    }
    return count
  }

  function keyCountOf(groupNumber: number): number {
    return columns.headers[groupNumber * headerWords + header.keyCount] as number
  }

  /** Under the lock: room for so many keys, and for the first of them that become suspect. */
  function fitRings(groupNumber: number, keyCount: number): void {
    const base = groupNumber * headerWords
    rings.reserve(base + header.activeSet, keyCount)
    const suspect = base + header.suspectSet
    const suspects = columns.headers[suspect + setWord.length] as number
    rings.reserve(suspect, Math.max(suspects, Math.min(keyCount, readySuspects)))
  }

  function mark(slot: number): void {
    if (!seen) return
    if (slot >= seen.length) {
      const larger = new Uint8Array(columns.slots)
      larger.set(seen)
      seen = larger
    }
    seen[slot] = 1
  }

  function look(slot: number): void {
    const place = columns.place[slot] as number
    if ((place & 3) === membership.vacant) return
    locked(place >>> 2, () => {
      if (columns.place[slot] === 0) return
      settle(place >>> 2, slot)
    })
  }

  /** Under the lock that was lost: everything of the group again from its columns. */
  function rebuildGroup(groupNumber: number): void {
    const base = groupNumber * headerWords
    const members: number[] = []
    for (let slot = 0; slot < slots.filled; slot += 1) {
      const place = columns.place[slot] as number
      if (place >>> 2 === groupNumber && (place & 3) !== membership.vacant) members.push(slot)
    }
    rings.release(base + header.activeSet)
    rings.release(base + header.suspectSet)
    columns.headers.fill(0, base + header.earliestReturn, base + header.modelDeviations)
    rings.reserve(base + header.activeSet, members.length)
    for (const slot of members) {
      if (((columns.stamp[slot] as number) & 1) === 1) Atomics.add(columns.stamp, slot, 1)
      Atomics.store(columns.place, slot, placeOf(groupNumber, membership.out))
      writeNewFacts(columns, groupNumber, slot, factsOf(columns, slot), now())
      settle(groupNumber, slot)
    }
  }

  function tick(): void {
    if (readAttention(look)) for (let slot = 0; slot < slots.filled; slot += 1) look(slot)
    deadlines.takeDue(now(), (_groupNumber, slot) => look(slot))
    if (clock.monotonicMs() - sweptModelsAtMs < modelSweepIntervalMs) return
    sweptModelsAtMs = clock.monotonicMs()
    if (models.count > 0) models.sweep(now(), generationOf)
  }

  function generationOf(keyId: number): number {
    const slot = index.slotOf(keyId)
    return slot < 0 ? -1 : (columns.generation[slot] as number)
  }

  function schedule(): void {
    if (isClosed) return
    timer = clock.setTimeout(() => {
      tick()
      schedule()
    }, tickIntervalMs)
  }

  function openGroup(groupNumber: number): void {
    openGroups.add(groupNumber)
    if ((groupNumber + 1) * headerWords > columns.headers.length) columns.growGroups(groupNumber + 1)
  }

  return {
    handles: columns.handles,
    table,
    openGroup,
    closeGroup(groupNumber) {
      if (!openGroups.delete(groupNumber)) return
      vacateAll((_slot, group) => group === groupNumber)
      locked(groupNumber, () => {
        rings.release(groupNumber * headerWords + header.activeSet)
        rings.release(groupNumber * headerWords + header.suspectSet)
      })
    },
    putKeys(groupNumber, rows, mode) {
      openGroup(groupNumber)
      locked(groupNumber, () => {
        fitRings(groupNumber, keyCountOf(groupNumber) + rows.length)
        for (const row of rows) putKey(groupNumber, row, mode)
      })
    },
    putStates(rows, mode) {
      for (const [keyId, stateIndex, until, generation, failures] of rows) {
        const slot = index.slotOf(keyId)
        const state = keyStates[stateIndex]
        if (slot < 0 || state === undefined) continue
        const groupNumber = (columns.place[slot] as number) >>> 2
        const facts = { state, until, generation, failures }
        locked(groupNumber, () => {
          const merged = mode === 'replace' ? facts : mergeFromControlPlane(factsOf(columns, slot), facts)
          if (merged) write(groupNumber, slot, merged)
        })
      }
    },
    putModels(rows, mode) {
      for (const [keyId, stateIndex, until, generation, failures, model] of rows) {
        const slot = index.slotOf(keyId)
        const state = keyStates[stateIndex]
        if (slot < 0 || state === undefined) continue
        const facts = { state, until, generation, failures }
        const merge = (stored: KeyFacts | undefined) =>
          stored && mode === 'merge' ? mergeFromControlPlane(stored, facts) : facts
        models.change((columns.place[slot] as number) >>> 2, keyId, hashText(model), merge)
      }
    },
    removeKeys(keyIds) {
      const touched = new Set<number>()
      for (const keyId of keyIds) {
        const slot = index.slotOf(keyId)
        if (slot < 0) continue
        const groupNumber = (columns.place[slot] as number) >>> 2
        locked(groupNumber, () => vacate(groupNumber, slot))
        touched.add(groupNumber)
      }
      for (const groupNumber of touched) locked(groupNumber, () => fitRings(groupNumber, keyCountOf(groupNumber)))
    },
    beginSweep: () => void (seen = new Uint8Array(columns.slots)),
    endSweep() {
      const marks = seen
      seen = undefined
      if (!marks) return 0
      const removed = vacateAll((slot) => marks[slot] !== 1)
      if (removed > 0)
        for (const groupNumber of openGroups) locked(groupNumber, () => fitRings(groupNumber, keyCountOf(groupNumber)))
      return removed
    },
    abandonSweep: () => void (seen = undefined),
    putResource(hash, keyId, endMs) {
      const slot = index.slotOf(keyId)
      if (slot >= 0) resources.put(hash, keyId, slot, endMs, clock.nowMs())
    },
    forgetResources: () => resources.clear(),
    setLiveEdges: (count) => void Atomics.store(columns.control, control.liveEdges, count),
    setClockSkewMs: (skewMs) => void Atomics.store(columns.control, control.clockSkewMs, Math.round(skewMs)),
    slotOf: (keyId) => index.slotOf(keyId),
    tick,
    start: () => schedule(),
    close() {
      isClosed = true
      timer?.cancel()
    },
    recoverFrom(owner) {
      if (columns.control[control.modelLock] === owner) models.repair()
      forgetInFlight(columns, slots.filled)
      resources.repair()
      for (const groupNumber of openGroups) {
        if (columns.headers[lockWord(groupNumber)] !== owner) continue
        rebuildGroup(groupNumber)
        deadlines.publish(groupNumber)
        releaseWord(columns.headers, lockWord(groupNumber))
      }
    },
    stateHash() {
      const sum = createStateHash()
      for (const groupNumber of openGroups) {
        const { high, low } = readGroupHash(columns, groupNumber)
        const total = sum.low + low
        sum.high = (sum.high + high + (total > 0xffff_ffff ? 1 : 0)) >>> 0
        sum.low = total >>> 0
      }
      return sum
    },
    groupStateHash: (groupNumber) => readGroupHash(columns, groupNumber),
    quotas: () => surveyQuotas(columns, slots.filled, clock.nowMs()),
    burnt(groupNumber) {
      const word = (name: 'requestsBurnt' | 'tokensBurnt') =>
        columns.headers[groupNumber * headerWords + header[name]] as number
      return { requests: word('requestsBurnt'), tokens: word('tokensBurnt') }
    },
    stats: () => ({
      keys: index.size,
      slots: slots.filled,
      secretBytes: secrets.usedBytes,
      secretLiveBytes: secrets.liveBytes,
      ringWords: rings.usedWords,
      modelDeviations: models.count,
      modelDeviationsRefused: columns.control[control.modelRefused] as number,
      cutWalks: columns.control[control.cutWalks] as number,
      lockTimeouts: columns.control[control.lockTimeouts] as number,
      lockSteals: columns.control[control.lockSteals] as number,
      refusedKeys,
      resources: resources.count(clock.nowMs()),
      resourcesLost: columns.control[control.resourcesLost] as number,
    }),
  }
}
