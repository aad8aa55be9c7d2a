import type { StatsSummary } from '@gpt-load/contracts/api/stats-report'
import type { StatsScope } from '@gpt-load/database/logs/stats-reader'
import { authorise } from '../authorise.ts'
import { loadPriceList, type PriceList } from '../prices/price-list.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { addRow, costDimensions, latencyOf, noSums, rounded } from './report-sums.ts'
import { instantsOf, latencyScopeOf, periodBefore, rangeOf, scopeOf, type SteppedRange } from './stats-range.ts'

export async function getStatsSummary({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getStatsSummary'>, 'query'>
}): Promise<VerbAnswer<StatsSummary>> {
  authorise(ctx, 'getStatsSummary')
  const range = rangeOf(query, ctx.clock.nowMs())
  const scope = scopeOf(query)
  const prices = await loadPriceList(ctx.store.sql)
  const [current, previous] = await Promise.all([
    periodOf(ctx, range, scope, prices),
    periodOf(ctx, periodBefore(range), scope, prices),
  ])
  return { value: { step: range.step, current, previous } }
}

async function periodOf(
  { logReader: { stats } }: VerbContext,
  range: SteppedRange,
  scope: StatsScope,
  prices: PriceList,
): Promise<StatsSummary['current']> {
  const latencyScope = latencyScopeOf(scope)
  const [rows, latencies] = await Promise.all([
    stats.sums({ ...range, ...scope, by: costDimensions }),
    latencyScope === null ? null : stats.latency({ ...range, scopes: [latencyScope], isByBucket: false }),
  ])
  const total = noSums()
  for (const row of rows) addRow(total, row, prices)
  const { from, to } = instantsOf(range)
  return { from, to, ...rounded(total), latency: latencies === null ? null : latencyOf(latencies[0]) }
}
