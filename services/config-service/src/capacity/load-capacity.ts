import type { Capacity } from '@gpt-load/contracts/api/capacity'
import { edgeReachableMs, type EdgeReport } from '@gpt-load/contracts/edge-report'
import { placeholders } from '@gpt-load/database/sql-runner'
import { combineWindows, forecastCapacity, type CapacityInput } from '@gpt-load/key-health/capacity'
import { keyCountsOf } from '../groups/load-groups.ts'
import { toInstant } from '../instant.ts'
import type { Services } from '../services.ts'

/** The forecast of all groups that have keys of their own, or of one; reports and stored counts only, never every key. */
export type CapacityContext = Pick<Services, 'store' | 'clock'>

type Usage = EdgeReport['group_usage'][number]
type Returns = CapacityInput['returns']

/** Beyond the longest two windows nobody looks. */
const returnsWithinMs = 2 * 86_400_000
const minuteMs = 60_000
/** Of one group 2,880 minutes at most have keys that return. */
const maxReturnRows = 20_000
const timedStates = ['cooling', 'exhausted', 'disabled'] as const

export async function loadCapacities({ store, clock }: CapacityContext, groupId?: number): Promise<Capacity[]> {
  const nowMs = clock.nowMs()
  const groups = await store.database.group.findMany({
    where: { kind: 'standard', ...(groupId === undefined ? {} : { id: groupId }) },
    select: { id: true, name: true, counts: true },
    orderBy: [{ sort: 'asc' }, { id: 'asc' }],
  })
  if (groups.length === 0) return []
  const [usage, returns] = [await loadUsage(store, nowMs), await loadReturns(store, nowMs, groupId)]
  return groups.map(({ id, name, counts }) => {
    const { total, active, suspect } = keyCountsOf(counts)
    return toCapacity({
      nowMs,
      group: { id, name, total },
      usableKeys: active + suspect,
      usage: usage.get(id) ?? [],
      returns: returns.get(id) ?? [],
    })
  })
}

function toCapacity(known: {
  nowMs: number
  group: { id: number; name: string; total: number }
  usableKeys: number
  usage: readonly Usage[]
  returns: Returns
}): Capacity {
  const { nowMs, group, usableKeys, usage, returns } = known
  const windows = combineWindows(usage.map((each) => each.windows))
  const burn = (what: 'requests_per_minute' | 'tokens_per_minute') =>
    usage.length === 0 ? null : usage.reduce((sum, each) => sum + each[what], 0)
  const requestsPerMinute = burn('requests_per_minute')
  const tokensPerMinute = burn('tokens_per_minute')
  const forecast = forecastCapacity({ nowMs, usableKeys, returns, requestsPerMinute, tokensPerMinute, windows })
  return {
    group_id: group.id,
    group: group.name,
    usable_keys: usableKeys,
    total_keys: group.total,
    known_keys: Math.max(0, ...windows.map(({ keys }) => keys)),
    requests_per_minute: requestsPerMinute,
    tokens_per_minute: tokensPerMinute,
    requests_headroom_per_minute: forecast.requestsHeadroom,
    tokens_headroom_per_minute: forecast.tokensHeadroom,
    limited_by: forecast.limitedBy,
    runs_dry_at: forecast.runsDryAtMs === null ? null : toInstant(forecast.runsDryAtMs),
    relief_at: forecast.reliefAtMs === null ? null : toInstant(forecast.reliefAtMs),
    keys_needed: forecast.keysNeeded,
  }
}

async function loadUsage(store: CapacityContext['store'], nowMs: number): Promise<ReadonlyMap<number, Usage[]>> {
  const rows = await store.sql.query<{ report: string }>('SELECT report FROM edges WHERE reported_at > ?', [
    nowMs - edgeReachableMs,
  ])
  // An edge of the version before tells nothing of it.
  const told = rows.flatMap(({ report }) => (JSON.parse(report) as Partial<EdgeReport>).group_usage ?? [])
  return Map.groupBy(told, ({ group_id }) => group_id)
}

/** By the minute: that of a million keys which return together is one row. */
async function loadReturns(
  store: CapacityContext['store'],
  nowMs: number,
  groupId?: number,
): Promise<ReadonlyMap<number, Returns>> {
  const minute = store.dialect === 'mysql' ? '(until - ?) DIV ?' : '(until - ?) / ?'
  const rows = await store.sql.query<{ group_id: number; until_ms: number; total: number }>(
    `SELECT group_id, MAX(until) AS until_ms, COUNT(*) AS total FROM provider_keys
     WHERE state IN (${placeholders(timedStates.length)}) AND until > ? AND until < ?
     ${groupId === undefined ? '' : 'AND group_id = ?'}
     GROUP BY group_id, ${minute} ORDER BY until_ms LIMIT ${maxReturnRows}`,
    [...timedStates, nowMs, nowMs + returnsWithinMs, ...(groupId === undefined ? [] : [groupId]), nowMs, minuteMs],
  )
  const returns = rows.map((row) => ({ group: row.group_id, atMs: Number(row.until_ms), keys: Number(row.total) }))
  return Map.groupBy(returns, ({ group }) => group)
}
