import type { StatsLatency } from '@gpt-load/contracts/api/stats-report'
import { authorise } from '../authorise.ts'
import { toInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { latencyOf } from './report-sums.ts'
import { bucketsOf, instantsOf, latencyScopeOf, rangeOf, scopeOf } from './stats-range.ts'

export async function getStatsLatency({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getStatsLatency'>, 'query'>
}): Promise<VerbAnswer<StatsLatency>> {
  authorise(ctx, 'getStatsLatency')
  const range = rangeOf(query, ctx.clock.nowMs())
  const scope = latencyScopeOf(scopeOf(query))
  if (scope === null) return { value: { ...instantsOf(range), points: null } }
  const rows = await ctx.logReader.stats.latency({ ...range, scopes: [scope], isByBucket: true })
  const byBucket = new Map(rows.map((row) => [row.bucket, row]))
  const points = bucketsOf(range).map((bucketS) => ({
    at: toInstant(bucketS * 1_000),
    ...latencyOf(byBucket.get(bucketS)),
  }))
  return { value: { ...instantsOf(range), points } }
}
