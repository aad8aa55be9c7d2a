import type { Price } from '@gpt-load/contracts/api/price'

/** What a price is good for today. `replaced`: the model has own prices, and only those count for it. */
export type PriceUse = 'in_force' | 'later' | 'past' | 'replaced'
export type UsedPrice = Price & { use: PriceUse }

/** @param today a day in UTC, as prices have them */
export function usesOf(prices: readonly Price[], today: string): UsedPrice[] {
  const byModel = Map.groupBy(prices, ({ provider, model }) => `${provider} ${model}`)
  return prices.map((price) => {
    const ofModel = byModel.get(`${price.provider} ${price.model}`) ?? []
    return { ...price, use: useOf(price, ofModel, today) }
  })
}

function useOf(price: Price, ofModel: readonly Price[], today: string): PriceUse {
  const hasOwn = ofModel.some(({ id }) => id !== null)
  if (hasOwn && price.id === null) return 'replaced'
  const counted = ofModel.filter(({ id }) => (id !== null) === hasOwn).map(({ effective_from: from }) => from)
  // Before its first price a model costs what it costs then.
  const present =
    counted
      .filter((from) => from <= today)
      .toSorted()
      .at(-1) ?? counted.toSorted()[0]
  if (price.effective_from === present) return 'in_force'
  return price.effective_from > today ? 'later' : 'past'
}
