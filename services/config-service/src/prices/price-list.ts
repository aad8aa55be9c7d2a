import type { ChannelType } from '@gpt-load/contracts/channel-types'
import { modelFamily, providerOfChannel, shippedPrices, type ModelPrice } from '@gpt-load/contracts/model-prices'
import type { Cost } from '@gpt-load/contracts/api/stats-report'
import type { StatsSums } from '@gpt-load/database/logs/stats-reader'
import type { SqlRunner } from '@gpt-load/database/sql-runner'

/**
 * Tokens -> dollars. Own prices go before shipped ones: a model that has any of its own is priced by those alone. Before
 * its first price a model costs what it cost then, so that logs that are older than the list are not free.
 */
export type PricedUse = {
  channel: string
  model: string
  dayS: number
  sums: Pick<StatsSums, 'tokens' | 'requests' | 'failures'>
}

export interface PriceList {
  priceOf(use: Pick<PricedUse, 'channel' | 'model' | 'dayS'>): ModelPrice | null
  costOf(use: PricedUse): Cost
}

export async function loadOwnPrices(sql: SqlRunner): Promise<(ModelPrice & { id: number })[]> {
  return sql.query('SELECT id, provider, model, effective_from, input, cached, output FROM model_prices')
}

export async function loadPriceList(sql: SqlRunner): Promise<PriceList> {
  return createPriceList(await loadOwnPrices(sql))
}

const perMillion = 1_000_000

export function createPriceList(own: readonly ModelPrice[]): PriceList {
  const versions = new Map<string, ModelPrice[]>(byModel(shippedPrices))
  for (const [key, prices] of byModel(own)) versions.set(key, prices)
  const priceOf: PriceList['priceOf'] = ({ channel, model, dayS }) => {
    const family = modelFamily(model)
    const day = new Date(dayS * 1_000).toISOString().slice(0, 10)
    for (const provider of providersOf(channel)) {
      const prices = versions.get(`${provider} ${model.toLowerCase()}`) ?? versions.get(`${provider} ${family}`)
      if (prices !== undefined) return prices.findLast((price) => price.effective_from <= day) ?? prices[0] ?? null
    }
    return null
  }
  return {
    priceOf,
    costOf(use) {
      const { input, output, cached } = use.sums.tokens
      if (input + output === 0) return { usd: 0, unpriced_requests: 0 }
      const price = priceOf(use)
      if (price === null) return { usd: 0, unpriced_requests: use.sums.requests - use.sums.failures }
      const fresh = Math.max(0, input - cached)
      const usd = fresh * price.input + cached * (price.cached ?? price.input) + output * price.output
      return { usd: usd / perMillion, unpriced_requests: 0 }
    },
  }
}

/** Oldest version first. */
function byModel(prices: readonly ModelPrice[]): Map<string, ModelPrice[]> {
  const sorted = prices.toSorted((a, b) => (a.effective_from < b.effective_from ? -1 : 1))
  return Map.groupBy(sorted, ({ provider, model }) => `${provider} ${model}`)
}

/** Sums from before channels were kept have none: then the model's name decides. */
function providersOf(channel: string): readonly string[] {
  if (channel === '') return ['openai', 'anthropic', 'gemini']
  const provider = providerOfChannel[channel as ChannelType]
  return provider === 'azure-openai' ? [provider, 'openai'] : [provider]
}
