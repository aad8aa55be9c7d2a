import type { AccessKeyRecord, GroupRecord, SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { Settings } from '@gpt-load/contracts/settings'
import type { PolicyUpdate } from '../worker-protocol.ts'
import { defaultGroupName } from '../data-plane/plan/policy-store.ts'
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
  send(update: PolicyUpdate): void
}

export function createPolicyDistributor(options: PolicyDistributorOptions): PolicyDistributor {
  const groups = new Map<number, PolicyUpdate['groups'][number]>()
  const accessKeys = new Map<number, AccessKeyRecord>()
  const freeNumbers: number[] = []
  let settings: Partial<Settings> = {}
  let pepper: string | null = null
  let nextNumber = 0
  let named: { groups: Set<number>; accessKeys: Set<number> } | null = null
  let pending = emptyChanges()
  let sentSkewMs = 0

  /** The oldest free number, once there are enough of them that it has rested. */
  const takeNumber = () => (freeNumbers.length > restingNumbers ? (freeNumbers.shift() as number) : nextNumber++)

  function putGroup(record: GroupRecord): void {
    const groupNumber = groups.get(record.id)?.groupNumber ?? takeNumber()
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
    freeNumbers.push(group.groupNumber)
    pending.groups.delete(id)
    pending.removedGroups.add(id)
  }

  function removeAccessKey(id: number): void {
    if (!accessKeys.delete(id)) return
    pending.accessKeys.delete(id)
    pending.removedAccessKeys.add(id)
  }

  function putAccessKey(record: AccessKeyRecord): void {
    accessKeys.set(record.id, record)
    named?.accessKeys.add(record.id)
    pending.accessKeys.add(record.id)
    pending.removedAccessKeys.delete(record.id)
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
    accessKeysOf: readonly AccessKeyRecord[],
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

/** Workers use the skew for expiry dates only: half a second is close enough. */
const noticeableSkewMs = 500
const restingNumbers = 64

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
