import { setImmediate as turn } from 'node:timers/promises'
import { authorise } from '../authorise.ts'
import { csvLine } from '../http/csv.ts'
import { toInstant } from '../instant.ts'
import { loadPriceList } from '../prices/price-list.ts'
import type { Verb, VerbContext, VerbInput } from '../verb.ts'
import { namesOf } from './dimension-names.ts'
import { addRow, costDimensions, noSums, rounded } from './report-sums.ts'
import { rangeOf, scopeOf } from './stats-range.ts'

/** Sums of each step by a dimension, as a download: a few steps are in memory at a time. */
type Query = VerbInput<'exportStats'>['query']
type Line = { at: string; value: string | number; name: string | null; sums: ReturnType<typeof noSums> }

const stepsAtOnce = 48

export const exportStats: Verb<'exportStats'> = async ({ ctx, input }) => {
  authorise(ctx, 'exportStats')
  return { value: null, stream: ndjsonOf(await linesOf(ctx, input.query)) }
}

export const exportStatsCsv: Verb<'exportStatsCsv'> = async ({ ctx, input }) => {
  authorise(ctx, 'exportStatsCsv')
  return { value: null, stream: csvOf(await linesOf(ctx, input.query), input.query.by) }
}

async function linesOf(ctx: VerbContext, query: Query): Promise<AsyncGenerator<Line[]>> {
  // Wrong parameters are refused before the answer begins.
  const range = rangeOf(query, ctx.clock.nowMs())
  const prices = await loadPriceList(ctx.store.sql)
  return (async function* () {
    for (let fromS = range.fromS; fromS < range.toS; fromS += stepsAtOnce * range.spanS) {
      const toS = Math.min(range.toS, fromS + stepsAtOnce * range.spanS)
      const by = [...new Set([query.by, 'bucket' as const, ...costDimensions])]
      const rows = await ctx.logReader.stats.sums({ ...range, fromS, toS, ...scopeOf(query), by })
      const names = await namesOf(ctx.store.sql, query.by, [...new Set(rows.map((row) => row[query.by]))])
      const lines = new Map<string, Line>()
      for (const row of rows.toSorted((a, b) => Number(a.bucket) - Number(b.bucket))) {
        const value = row[query.by]
        const key = `${row.bucket} ${value}`
        const at = toInstant(Number(row.bucket) * 1_000)
        const line = lines.get(key) ?? { at, value, name: names.get(value) ?? null, sums: noSums() }
        addRow(line.sums, row, prices)
        lines.set(key, line)
      }
      if (lines.size > 0) yield [...lines.values()]
      await turn()
    }
  })()
}

async function* ndjsonOf(pages: AsyncGenerator<Line[]>): AsyncGenerator<string> {
  for await (const lines of pages)
    yield lines.map(({ sums, ...line }) => `${JSON.stringify({ ...line, ...rounded(sums) })}\n`).join('')
}

async function* csvOf(pages: AsyncGenerator<Line[]>, by: Query['by']): AsyncGenerator<string> {
  yield csvLine([
    'at',
    by,
    'name',
    'requests',
    'failures',
    'retries',
    'rescued',
    'bytes_in',
    'bytes_out',
    'tokens_input',
    'tokens_output',
    'tokens_cached',
    'tokens_reasoning',
    'cost_usd',
    'unpriced_requests',
  ])
  for await (const lines of pages) yield lines.map(toCsv).join('')
}

function toCsv({ at, value, name, sums }: Line): string {
  const { tokens, cost, ...counts } = rounded(sums)
  return csvLine([
    at,
    value,
    name,
    counts.requests,
    counts.failures,
    counts.retries,
    counts.rescued,
    counts.bytes_in,
    counts.bytes_out,
    tokens.input,
    tokens.output,
    tokens.cached,
    tokens.reasoning,
    cost.usd,
    cost.unpriced_requests,
  ])
}
