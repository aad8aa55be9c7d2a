import type { Latency, ReportSums } from '@gpt-load/contracts/api/stats-report'
import type { LatencyRow, StatsDimension, StatsRow } from '@gpt-load/database/logs/stats-reader'
import type { PriceList } from '../prices/price-list.ts'

/** What cost is worked out by; every report reads its sums told apart by these, and folds them. */
export const costDimensions = ['channel', 'model_sent', 'day'] as const satisfies readonly StatsDimension[]

export function noSums(): ReportSums {
  return {
    requests: 0,
    failures: 0,
    retries: 0,
    rescued: 0,
    bytes_in: 0,
    bytes_out: 0,
    tokens: { input: 0, output: 0, cached: 0, reasoning: 0 },
    cost: { usd: 0, unpriced_requests: 0 },
  }
}

export function addRow(total: ReportSums, row: StatsRow<(typeof costDimensions)[number]>, prices: PriceList): void {
  const { sums } = row
  const use = { channel: String(row.channel), model: String(row.model_sent), dayS: Number(row.day), sums }
  const { duration_ms: _, ...counted } = sums
  addSums(total, { ...counted, cost: prices.costOf(use) })
}

export function addSums(total: ReportSums, { tokens, cost, ...counts }: ReportSums): void {
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) total[name] += counts[name]
  for (const name of Object.keys(tokens) as (keyof typeof tokens)[]) total.tokens[name] += tokens[name]
  total.cost.usd += cost.usd
  total.cost.unpriced_requests += cost.unpriced_requests
}

/** Dollars to the millionth: what lies below is the arithmetic's. */
export function rounded(sums: ReportSums): ReportSums {
  return { ...sums, cost: { ...sums.cost, usd: roundUsd(sums.cost.usd) } }
}

export const roundUsd = (usd: number): number => Math.round(usd * 1_000_000) / 1_000_000

export function latencyOf(row: LatencyRow | undefined): Latency {
  return {
    duration: row?.duration ?? null,
    first_byte: row?.first_byte ?? null,
    first_token: row?.first_token ?? null,
  }
}
