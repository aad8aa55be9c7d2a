import type { KeyTable } from '../key-table/key-table.ts'
import type { GroupPlan } from '../plan/group-plan.ts'

/** What the keys of a group, or of an aggregate's members, can do now and when. Only asked when a request found none. */
export type PoolState = {
  code: 'NO_KEYS_AVAILABLE' | 'KEYS_RATE_LIMITED'
  /** 0 = no key returns by itself. */
  retryAfterSeconds: number
}

/** What a request asked for in vain: the model, and when the first key that caps kept out has room (0 = none was). */
export type AskedPool = { readonly model: string; readonly roomAtMs: number }

/**
 * A pool that comes back by itself is limited (429 and when), however many of its keys are dead besides; one that only a person
 * can bring back is unavailable (503).
 */
export function poolState(table: KeyTable, plan: GroupPlan, { model, roomAtMs }: AskedPool): PoolState {
  const earliest = earliestReturn(table, plan, { model, roomAtMs })
  return {
    code: earliest === 0 ? 'NO_KEYS_AVAILABLE' : 'KEYS_RATE_LIMITED',
    retryAfterSeconds: earliest === 0 ? 0 : secondsUntil(earliest),
  }
}

/** Seconds until the pool has a key again, for an upstream's 429; 1 when one is free now. */
export function poolRetryAfter(table: KeyTable, plan: GroupPlan, asked: AskedPool): number {
  const groups = plan.isAggregate ? plan.members : [plan]
  const isFree = asked.roomAtMs === 0 && groups.some(({ number }) => table.pick(number, asked.model, nobody, 0) !== -1)
  return isFree ? 1 : Math.max(1, poolState(table, plan, asked).retryAfterSeconds)
}

/** When the first key returns, or has room again, epoch ms by the edge's clock; 0 = none does by itself. */
export function earliestReturn(table: KeyTable, plan: GroupPlan, { model, roomAtMs }: AskedPool): number {
  let earliest = roomAtMs
  if (!plan.isAggregate) {
    const until = table.earliestReturn(plan.number, model)
    return earliest === 0 || (until !== 0 && until < earliest) ? until : earliest
  }
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
