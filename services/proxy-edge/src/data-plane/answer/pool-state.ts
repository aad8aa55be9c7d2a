import type { KeyTable } from '../key-table/key-table.ts'
import type { GroupPlan } from '../plan/group-plan.ts'

/** What the keys of a group, or of an aggregate's members, can do now and when. Only asked when a request found none. */
export type PoolState = {
  code: 'NO_KEYS_AVAILABLE' | 'KEYS_RATE_LIMITED'
  /** 0 = no key returns by itself. */
  retryAfterSeconds: number
}

export function poolState(table: KeyTable, plan: GroupPlan, model: string): PoolState {
  const groups = plan.isAggregate ? plan.members.filter(({ isEnabled }) => isEnabled) : [plan]
  let earliest = 0
  let isOnlyLimited = groups.length > 0
  for (const { number } of groups) {
    const until = table.earliestReturn(number, model)
    if (until !== 0 && (earliest === 0 || until < earliest)) earliest = until
    isOnlyLimited &&= isRateLimited(table, number, until)
  }
  return { code: isOnlyLimited ? 'KEYS_RATE_LIMITED' : 'NO_KEYS_AVAILABLE', retryAfterSeconds: secondsUntil(earliest) }
}

/** Nothing is wrong with any key but a limit that passes. */
function isRateLimited(table: KeyTable, groupNumber: number, earliest: number): boolean {
  const { exhausted, invalid, disabled } = table.countByState(groupNumber)
  return earliest !== 0 && exhausted + invalid + disabled === 0
}

/** Seconds until the pool has a key again, for an upstream's 429; 1 when one is free now. */
export function poolRetryAfter(table: KeyTable, plan: GroupPlan, model: string): number {
  const groups = plan.isAggregate ? plan.members : [plan]
  if (groups.some(({ number }) => table.pick(number, model, nobody, 0) !== -1)) return 1
  return Math.max(1, poolState(table, plan, model).retryAfterSeconds)
}

const nobody = new Int32Array(0)

function secondsUntil(epochMs: number): number {
  return epochMs === 0 ? 0 : Math.max(1, Math.ceil((epochMs - Date.now()) / 1_000))
}
