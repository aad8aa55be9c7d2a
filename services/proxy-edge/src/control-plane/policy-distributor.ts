import type { AccessKeyRecord, GroupRecord, SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { Settings } from '@gpt-load/contracts/settings'
import type { PolicyUpdate } from '../worker-protocol.ts'
import { defaultGroupName } from '../data-plane/plan/policy-store.ts'
import { compileAccessKeyCaps } from '../data-plane/caller-limits/caller-caps.ts'
import { maxLimitedAccessKeys } from '../data-plane/caller-limits/caller-memory.ts'
import { maxGroupNumbers } from '../data-plane/key-table/shared-columns.ts'
import { createRestingNumbers } from './resting-numbers.ts'
import type { UpstreamSlots } from './upstream-slots.ts'

/**
 * Policies as they stand (settings, groups, access keys), and what of them the workers have not been told yet. Each group
 * gets a dense number, its place in the key table; a number freed is given again as late as possible, since a request
 * under way may still hold the plan of the group that had it.
 */
export type PolicyRecord = Extract<SnapshotRecord, { t: 'settings' | 'group' | 'access_key' | 'removed' }>

export interface PolicyDistributor {
  /** From here on records are noted; `endBase` removes what was not named. */
  beginBase(): void
  apply(record: PolicyRecord): void
  endBase(): void
  setPepper(pepper: string): void
  /** Access keys that have limits. */
  limitedAccessKeys(): Iterable<{ id: number; limitNumber: number }>
  /** Access keys whose limits are not kept: more have some than can be counted. */
  readonly unlimited: number
  /** -1 = no such group. */
  groupNumberOf(groupId: number): number
  readonly groupIds: Iterable<number>
  /** Sends what has changed since the last call, if anything. */
  flush(clockSkewMs: number): void
  /** Everything, for a worker that starts now. */
  whole(clockSkewMs: number): PolicyUpdate
  /**
   * As much of it as one request can meet: its access key, the group that it names ('' = that key's default) and, of an
   * aggregate, the members.
   */
  excerpt(request: { group: string; accessKeyId: number | null }, clockSkewMs: number): PolicyUpdate
}

export type PolicyDistributorOptions = {
  openGroup(groupNumber: number): void
  closeGroup(groupNumber: number): void
  upstreamSlots: UpstreamSlots
  /** It will be counted by this number what an access key takes; another's may have been counted by it. */
  openLimit(limitNumber: number): void
  send(update: PolicyUpdate): void
}

export function createPolicyDistributor(options: PolicyDistributorOptions): PolicyDistributor {
  const groups = new Map<number, PolicyUpdate['groups'][number]>()
  const accessKeys = new Map<number, PolicyUpdate['accessKeys'][number]>()
  const groupNumbers = createRestingNumbers(maxGroupNumbers)
  const limitNumbers = createRestingNumbers(maxLimitedAccessKeys)
  /** Number by access key; -1 = there was none left. */
  const limited = new Map<number, number>()
  let settings: Partial<Settings> = {}
  let pepper: string | null = null
  let named: { groups: Set<number>; accessKeys: Set<number> } | null = null
  let pending = emptyChanges()
  let sentSkewMs = 0

  function putGroup(record: GroupRecord): void {
    const groupNumber = groups.get(record.id)?.groupNumber ?? groupNumbers.take()
    if (!groups.has(record.id)) options.openGroup(groupNumber)
    options.upstreamSlots.keep(record.id, upstreamIdsOf(record))
    const upstreamSlots = upstreamIdsOf(record).map((id) => options.upstreamSlots.slotOf(id))
    groups.set(record.id, { ...record, groupNumber, upstreamSlots })
    named?.groups.add(record.id)
    pending.groups.add(record.id)
  }

  function removeGroup(id: number): void {
    const group = groups.get(id)
    if (group === undefined) return
    groups.delete(id)
    options.closeGroup(group.groupNumber)
    options.upstreamSlots.keep(id, [])
    groupNumbers.giveBack(group.groupNumber)
    pending.groups.delete(id)
    pending.removedGroups.add(id)
  }

  function removeAccessKey(id: number): void {
    const known = accessKeys.get(id)
    if (known === undefined) return
    if (known.limitNumber !== -1) limitNumbers.giveBack(known.limitNumber)
    accessKeys.delete(id)
    limited.delete(id)
    pending.accessKeys.delete(id)
    pending.removedAccessKeys.add(id)
  }

  function putAccessKey(record: AccessKeyRecord): void {
    accessKeys.set(record.id, { ...record, limitNumber: limitNumberOf(record) })
    named?.accessKeys.add(record.id)
    pending.accessKeys.add(record.id)
    pending.removedAccessKeys.delete(record.id)
  }

  /** Kept while it has limits: what was counted goes on counting. */
  function limitNumberOf(record: AccessKeyRecord): number {
    const known = limited.get(record.id) ?? -1
    if (compileAccessKeyCaps(record) === null) {
      if (known !== -1) limitNumbers.giveBack(known)
      limited.delete(record.id)
      return -1
    }
    if (known !== -1) return known
    const number = limitNumbers.take()
    if (number !== -1) options.openLimit(number)
    limited.set(record.id, number)
    return number
  }

  const changesOf = (clockSkewMs: number): PolicyUpdate => ({
    isFull: false,
    ...(pending.hasSettings ? { settings } : {}),
    groups: [...pending.groups].flatMap((id) => groups.get(id) ?? []),
    removedGroupIds: [...pending.removedGroups],
    accessKeys: [...pending.accessKeys].flatMap((id) => accessKeys.get(id) ?? []),
    removedAccessKeyIds: [...pending.removedAccessKeys],
    ...(pending.hasPepper && pepper !== null ? { pepper } : {}),
    clockSkewMs,
  })

  const wholeOf = (
    groupsOf: PolicyUpdate['groups'],
    accessKeysOf: PolicyUpdate['accessKeys'],
    clockSkewMs: number,
  ): PolicyUpdate => ({
    isFull: true,
    settings,
    groups: groupsOf,
    removedGroupIds: [],
    accessKeys: accessKeysOf,
    removedAccessKeyIds: [],
    clockSkewMs,
  })

  function findGroup(name: string, defaultId: number): PolicyUpdate['groups'][number] | undefined {
    if (name === '' && defaultId !== 0) return groups.get(defaultId)
    const wanted = name === '' ? defaultGroupName : name
    for (const group of groups.values()) if (group.name === wanted) return group
    return undefined
  }

  return {
    beginBase() {
      named = { groups: new Set(), accessKeys: new Set() }
    },
    apply(record) {
      if (record.t === 'settings') {
        settings = record.values
        pending.hasSettings = true
      } else if (record.t === 'group') putGroup(record)
      else if (record.t === 'access_key') putAccessKey(record)
      else if (record.kind === 'group') record.ids.forEach(removeGroup)
      else if (record.kind === 'access_key') record.ids.forEach(removeAccessKey)
    },
    endBase() {
      for (const id of groups.keys()) if (named?.groups.has(id) === false) removeGroup(id)
      for (const id of accessKeys.keys()) if (named?.accessKeys.has(id) === false) removeAccessKey(id)
      named = null
    },
    setPepper(next) {
      pending.hasPepper ||= next !== pepper
      pepper = next
    },
    *limitedAccessKeys() {
      for (const [id, limitNumber] of limited) if (limitNumber !== -1) yield { id, limitNumber }
    },
    get unlimited() {
      let count = 0
      for (const limitNumber of limited.values()) if (limitNumber === -1) count += 1
      return count
    },
    groupNumberOf: (groupId) => groups.get(groupId)?.groupNumber ?? -1,
    get groupIds() {
      return groups.keys()
    },
    flush(clockSkewMs) {
      if (!hasChanges(pending) && Math.abs(clockSkewMs - sentSkewMs) < noticeableSkewMs) return
      sentSkewMs = clockSkewMs
      const update = changesOf(clockSkewMs)
      pending = emptyChanges()
      options.send(update)
    },
    whole: (clockSkewMs) => ({
      ...wholeOf([...groups.values()], [...accessKeys.values()], clockSkewMs),
      ...(pepper === null ? {} : { pepper }),
    }),
    excerpt({ group: name, accessKeyId }, clockSkewMs) {
      const accessKey = accessKeyId === null ? undefined : accessKeys.get(accessKeyId)
      const group = findGroup(name, accessKey?.default_group_id ?? 0)
      const members = group?.members.flatMap(({ group_id }) => groups.get(group_id) ?? []) ?? []
      return wholeOf(group === undefined ? [] : [group, ...members], accessKey ? [accessKey] : [], clockSkewMs)
    },
  }
}

const upstreamIdsOf = ({ upstreams }: GroupRecord): number[] => upstreams.map(({ id }) => id)

/** Workers use the skew for expiry dates and the minutes of limits: half a second is close enough. */
const noticeableSkewMs = 500

type Changes = {
  hasSettings: boolean
  hasPepper: boolean
  groups: Set<number>
  removedGroups: Set<number>
  accessKeys: Set<number>
  removedAccessKeys: Set<number>
}

function emptyChanges(): Changes {
  return {
    hasSettings: false,
    hasPepper: false,
    groups: new Set(),
    removedGroups: new Set(),
    accessKeys: new Set(),
    removedAccessKeys: new Set(),
  }
}

function hasChanges(changes: Changes): boolean {
  const sets = [changes.groups, changes.removedGroups, changes.accessKeys, changes.removedAccessKeys]
  return changes.hasSettings || changes.hasPepper || sets.some((set) => set.size > 0)
}
