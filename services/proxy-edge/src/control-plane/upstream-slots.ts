import { maxWatchedUpstreams } from '../data-plane/upstream-health/upstream-health.ts'

/** Which place in the shared memory of upstream-health keeps which upstream. */
export interface UpstreamSlots {
  /** What a group has now: new ones get a place, those it had before and has no more lose theirs. */
  keep(groupId: number, upstreamIds: readonly number[]): void
  /** -1 = it has no place. */
  slotOf(upstreamId: number): number
  /** Upstreams that have a place. */
  entries(): Iterable<{ groupId: number; upstreamId: number; slot: number }>
}

/** @param onFreed the place is given to another upstream next */
export function createUpstreamSlots(onFreed: (slot: number) => void, capacity = maxWatchedUpstreams): UpstreamSlots {
  const slots = new Map<number, { groupId: number; slot: number }>()
  const byGroup = new Map<number, readonly number[]>()
  const free: number[] = []
  let used = 0

  function take(groupId: number, upstreamId: number): void {
    if (slots.has(upstreamId)) return
    const slot = free.pop() ?? (used < capacity ? used++ : -1)
    if (slot !== -1) slots.set(upstreamId, { groupId, slot })
  }

  function release(upstreamId: number): void {
    const known = slots.get(upstreamId)
    if (known === undefined) return
    slots.delete(upstreamId)
    onFreed(known.slot)
    free.push(known.slot)
  }

  return {
    keep(groupId, upstreamIds) {
      for (const id of byGroup.get(groupId) ?? []) if (!upstreamIds.includes(id)) release(id)
      for (const id of upstreamIds) take(groupId, id)
      if (upstreamIds.length === 0) byGroup.delete(groupId)
      else byGroup.set(groupId, upstreamIds)
    },
    slotOf: (upstreamId) => slots.get(upstreamId)?.slot ?? -1,
    *entries() {
      for (const [upstreamId, { groupId, slot }] of slots) yield { groupId, upstreamId, slot }
    },
  }
}
