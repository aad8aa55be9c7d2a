import type { StatsPoint, StatsSeries } from '@gpt-load/contracts/api/stats'
import { authorise } from '../authorise.ts'
import { toInstant } from '../instant.ts'
import { loadPriceList } from '../prices/price-list.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { addRow, costDimensions, noSums, roundUsd } from './report-sums.ts'
import { bucketsOf, instantsOf, rangeOf, scopeOf } from './stats-range.ts'

/** Requests over time, from sums that are kept per step: no request is looked at, and a range has 4,000 points at most. */
export async function getSeries({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getSeries'>, 'query'>
}): Promise<VerbAnswer<StatsSeries>> {
  authorise(ctx, 'getSeries')
  const range = rangeOf(query, ctx.clock.nowMs())
  const [rows, prices] = await Promise.all([
    ctx.logReader.stats.sums({ ...range, ...scopeOf(query), by: ['bucket', ...costDimensions] }),
    loadPriceList(ctx.store.sql),
  ])
  const sums = new Map(bucketsOf(range).map((bucketS) => [bucketS, noSums()]))
  for (const row of rows) {
    const point = sums.get(Number(row.bucket))
    if (point !== undefined) addRow(point, row, prices)
  }
  const points = [...sums].map(([bucketS, { requests, failures, retries, rescued, tokens, cost }]): StatsPoint => {
    const at = toInstant(bucketS * 1_000)
    return { at, requests, failures, retries, rescued, tokens, cost_usd: roundUsd(cost.usd) }
  })
  return { value: { ...instantsOf(range), points } }
}
