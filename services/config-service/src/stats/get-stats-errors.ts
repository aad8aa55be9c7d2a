import type { StatsErrors } from '@gpt-load/contracts/api/stats-report'
import type { ErrorSums } from '@gpt-load/database/logs/stats-reader'
import { authorise } from '../authorise.ts'
import { toInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { bucketsOf, instantsOf, rangeOf, scopeOf } from './stats-range.ts'

type ErrorClass = StatsErrors['by_class'][number]['error_class']
type ByClass = StatsErrors['by_class']

export async function getStatsErrors({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getStatsErrors'>, 'query'>
}): Promise<VerbAnswer<StatsErrors>> {
  authorise(ctx, 'getStatsErrors')
  const range = rangeOf(query, ctx.clock.nowMs())
  const rows = await ctx.logReader.stats.errors({ ...range, ...scopeOf(query), isByBucket: true })
  const byCode = sumsByCode(rows)
  const total = rows.reduce((sum, { requests }) => sum + requests, 0)
  const shown = byCode.slice(0, query.top)
  const byBucket = Map.groupBy(rows, ({ bucket }) => bucket)
  return {
    value: {
      ...instantsOf(range),
      total,
      by_class: sumsByClass(rows),
      by_code: shown,
      other: total - shown.reduce((sum, { requests }) => sum + requests, 0),
      points: bucketsOf(range).map((bucketS) => ({
        at: toInstant(bucketS * 1_000),
        by_class: sumsByClass(byBucket.get(bucketS) ?? []),
      })),
    },
  }
}

function sumsByClass(rows: readonly ErrorSums[]): ByClass {
  const sums = new Map<string, number>()
  for (const { error_class: name, requests } of rows) sums.set(name, (sums.get(name) ?? 0) + requests)
  return [...sums]
    .map(([name, requests]) => ({ error_class: name as ErrorClass, requests }))
    .toSorted((a, b) => b.requests - a.requests)
}

function sumsByCode(rows: readonly ErrorSums[]): StatsErrors['by_code'] {
  const sums = new Map<string, StatsErrors['by_code'][number]>()
  for (const { error_class: errorClass, status, error_code: code, requests } of rows) {
    const key = JSON.stringify([errorClass, status, code])
    const before = sums.get(key)?.requests ?? 0
    sums.set(key, { error_class: errorClass as ErrorClass, status, error_code: code, requests: before + requests })
  }
  return [...sums.values()].toSorted((a, b) => b.requests - a.requests)
}
