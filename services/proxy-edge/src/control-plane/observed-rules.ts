import type { EdgeReport } from '@gpt-load/contracts/edge-report'
import { maxReportedRules } from '@gpt-load/contracts/edge-report'
import type { RuleObserved } from '../worker-protocol.ts'

type Entry = EdgeReport['rule_observations'][number]

/** Sums of what all workers saw of observed rules since the start. Rules beyond the bound are not counted. */
export interface ObservedRules {
  add(observed: RuleObserved): void
  list(): Entry[]
}

export function createObservedRules(): ObservedRules {
  const entries = new Map<string, Entry>()
  return {
    add({ groupId, rule, kind }) {
      const place = `${groupId} ${rule}`
      const known = entries.get(place)
      if (known === undefined && entries.size >= maxReportedRules) return
      const entry = known ?? { group_id: groupId, rule, matched: 0, would_change: 0, succeeded_after: 0 }
      entries.set(place, entry)
      if (kind === 'succeeded_after') entry.succeeded_after += 1
      else entry.matched += 1
      if (kind === 'would_change') entry.would_change += 1
    },
    list: () => [...entries.values()],
  }
}
