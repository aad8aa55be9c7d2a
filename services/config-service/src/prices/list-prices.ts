import type { z } from 'zod'
import { shippedPrices, shippedPriceSource } from '@gpt-load/contracts/model-prices'
import type { Price, priceListSchema } from '@gpt-load/contracts/api/price'
import { authorise } from '../authorise.ts'
import type { VerbAnswer, VerbContext } from '../verb.ts'
import { loadOwnPrices } from './price-list.ts'

export async function listPrices({ ctx }: { ctx: VerbContext }): Promise<VerbAnswer<z.infer<typeof priceListSchema>>> {
  authorise(ctx, 'listPrices')
  const items: Price[] = [
    ...(await loadOwnPrices(ctx.store.sql)),
    ...shippedPrices.map((price) => ({ ...price, id: null })),
  ]
  const place = ({ provider, model, effective_from: from, id }: Price) =>
    [provider, model, from, id === null ? 1 : 0].join(' ')
  return {
    value: {
      items: items.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)),
      shipped: { as_of: shippedPriceSource.as_of, sources: Object.values(shippedPriceSource.lists) },
    },
  }
}
