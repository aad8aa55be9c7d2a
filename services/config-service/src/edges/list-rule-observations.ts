import type { RuleObservationList } from '@gpt-load/contracts/api/edge'
import { edgeReachableMs, type EdgeReport } from '@gpt-load/contracts/edge-report'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import type { Verb } from '../verb.ts'

type Item = RuleObservationList['items'][number]

/** Sums over the edges that report: what each saw since it started. */
export const listRuleObservations: Verb<'listRuleObservations'> = async ({ ctx, input }) => {
  authorise(ctx, 'listRuleObservations')
  const { id } = input.params
  if ((await ctx.store.database.group.count({ where: { id } })) === 0) throw notFound('group')
  const rows = await ctx.store.sql.query<{ report: string }>('SELECT report FROM edges WHERE reported_at > ?', [
    ctx.clock.nowMs() - edgeReachableMs,
  ])
  const items = new Map<string, Item>()
  for (const { report } of rows) {
    const { rule_observations: observed = [] } = JSON.parse(report) as Partial<EdgeReport>
    for (const entry of observed) if (entry.group_id === id) addTo(items, entry)
  }
  return { value: { items: [...items.values()].toSorted((a, b) => b.matched - a.matched) } }
}

function addTo(items: Map<string, Item>, entry: EdgeReport['rule_observations'][number]): void {
  const { rule } = entry
  const sum = items.get(rule) ?? { rule, edges: 0, matched: 0, would_change: 0, succeeded_after: 0 }
  sum.edges += 1
  sum.matched += entry.matched
  sum.would_change += entry.would_change
  sum.succeeded_after += entry.succeeded_after
  items.set(rule, sum)
}
