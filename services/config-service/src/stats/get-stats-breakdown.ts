import type { Latency, ReportSums, StatsBreakdown } from '@gpt-load/contracts/api/stats-report'
import type { LatencyScopeKind } from '@gpt-load/database/logs/latency-scope'
import type { StatsScope } from '@gpt-load/database/logs/stats-reader'
import { authorise } from '../authorise.ts'
import { loadPriceList, type PriceList } from '../prices/price-list.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { namesOf } from './dimension-names.ts'
import { addRow, addSums, costDimensions, latencyOf, noSums, rounded } from './report-sums.ts'
import { instantsOf, periodBefore, rangeOf, scopeOf, type SteppedRange } from './stats-range.ts'

/** One dimension: its first by what is asked for, each with its latency, and the rest together. */
type Query = VerbInput<'getStatsBreakdown'>['query']
type Value = string | number

export async function getStatsBreakdown({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getStatsBreakdown'>, 'query'>
}): Promise<VerbAnswer<StatsBreakdown>> {
  authorise(ctx, 'getStatsBreakdown')
  const range = rangeOf(query, ctx.clock.nowMs())
  const scope = scopeOf(query)
  const prices = await loadPriceList(ctx.store.sql)
  const [sums, before] = await Promise.all([
    sumsByValue(ctx, { range, scope, by: query.by, prices }),
    query.compare ? sumsByValue(ctx, { range: periodBefore(range), scope, by: query.by, prices }) : null,
  ])
  const ranked = [...sums].toSorted(([, a], [, b]) => orderOf(b, query.order) - orderOf(a, query.order))
  const first = ranked.slice(0, query.top)
  const values = first.map(([value]) => value)
  const [names, latencies] = await Promise.all([
    namesOf(ctx.store.sql, query.by, values),
    latenciesOf(ctx, { range, scope, by: query.by, values }),
  ])
  const items = first.map(([value, one], index) => ({
    value,
    name: names.get(value) ?? null,
    ...rounded(one),
    previous: before === null ? null : rounded(before.get(value) ?? noSums()),
    latency: latencies === null ? null : (latencies[index] ?? latencyOf(undefined)),
  }))
  return {
    value: { ...instantsOf(range), by: query.by, items, other: otherOf(ranked.slice(query.top), values, before) },
  }
}

type Part = { range: SteppedRange; scope: StatsScope; by: Query['by']; prices: PriceList }

async function sumsByValue(ctx: VerbContext, { range, scope, by, prices }: Part): Promise<Map<Value, ReportSums>> {
  const rows = await ctx.logReader.stats.sums({ ...range, ...scope, by: [...new Set([by, ...costDimensions])] })
  const sums = new Map<Value, ReportSums>()
  for (const row of rows) {
    const total = sums.get(row[by]) ?? noSums()
    addRow(total, row, prices)
    sums.set(row[by], total)
  }
  return sums
}

function orderOf(sums: ReportSums, order: Query['order']): number {
  if (order === 'cost') return sums.cost.usd
  return order === 'tokens' ? sums.tokens.input + sums.tokens.output : sums[order]
}

function otherOf(
  rest: readonly [Value, ReportSums][],
  shown: readonly Value[],
  before: ReadonlyMap<Value, ReportSums> | null,
): StatsBreakdown['other'] {
  if (rest.length === 0) return null
  const total = noSums()
  for (const [, sums] of rest) addSums(total, sums)
  const previous = noSums()
  for (const [value, sums] of before ?? []) if (!shown.includes(value)) addSums(previous, sums)
  return { values: rest.length, ...rounded(total), previous: before === null ? null : rounded(previous) }
}

const latencyKinds: Partial<Record<Query['by'], LatencyScopeKind>> = {
  group: 'group',
  member: 'group',
  model: 'model',
  access_key: 'access_key',
  upstream: 'upstream',
}

async function latenciesOf(
  ctx: VerbContext,
  { range, scope, by, values }: Omit<Part, 'prices'> & { values: readonly Value[] },
): Promise<Latency[] | null> {
  const kind = latencyKinds[by]
  if (kind === undefined || Object.keys(scope).length > 0) return null
  const scopes = values.map((value) => ({ kind, value }))
  const rows = await ctx.logReader.stats.latency({ ...range, scopes, isByBucket: false })
  const byScope = new Map(rows.map((row) => [row.scope, row]))
  return values.map((_, index) => latencyOf(byScope.get(index)))
}
