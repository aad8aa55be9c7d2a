import type { KeyTable } from '../key-table/key-table.ts'
import type { GroupPlan } from '../plan/group-plan.ts'

/** What the keys of a group, or of an aggregate's members, can do now and when. Only asked when a request found none. */
export type PoolState = {
  code: 'NO_KEYS_AVAILABLE' | 'KEYS_RATE_LIMITED'
  /** 0 = no key returns by itself. */
  retryAfterSeconds: number
}

/**
 * A pool that comes back by itself is limited (429 and when), however many of its keys are dead besides; one that only a person
 * can bring back is unavailable (503).
 */
export function poolState(table: KeyTable, plan: GroupPlan, model: string): PoolState {
  const earliest = earliestReturn(table, plan, model)
  return {
    code: earliest === 0 ? 'NO_KEYS_AVAILABLE' : 'KEYS_RATE_LIMITED',
    retryAfterSeconds: earliest === 0 ? 0 : secondsUntil(earliest),
  }
}

/** Seconds until the pool has a key again, for an upstream's 429; 1 when one is free now. */
export function poolRetryAfter(table: KeyTable, plan: GroupPlan, model: string): number {
  const groups = plan.isAggregate ? plan.members : [plan]
  if (groups.some(({ number }) => table.pick(number, model, nobody, 0) !== -1)) return 1
  return Math.max(1, poolState(table, plan, model).retryAfterSeconds)
}

/** When the first key returns, epoch ms by the edge's clock; 0 = none does by itself. */
export function earliestReturn(table: KeyTable, plan: GroupPlan, model: string): number {
  if (!plan.isAggregate) return table.earliestReturn(plan.number, model)
  let earliest = 0
  for (const { number, isEnabled } of plan.members) {
    const until = isEnabled ? table.earliestReturn(number, model) : 0
    if (until !== 0 && (earliest === 0 || until < earliest)) earliest = until
  }
  return earliest
}

const nobody = new Int32Array(0)

function secondsUntil(epochMs: number): number {
  return Math.max(1, Math.ceil((epochMs - Date.now()) / 1_000))
}
