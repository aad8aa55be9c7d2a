import { z } from 'zod'
import { priceProviders } from '../model-prices.ts'

/** Prices of tokens: those that are shipped, and own ones, which go before them. Per million tokens, in US dollars. */
export const maxOwnPrices = 2_000

const amountSchema = z.number().min(0).max(100_000)
const priceFields = {
  provider: z
    .enum(priceProviders)
    .describe('Azure OpenAI goes by the prices of `openai` where it has none of its own.'),
  model: z
    .string()
    .trim()
    .toLowerCase()
    .min(1)
    .max(255)
    .describe('Without the date or version at its end: `gpt-4o` holds for `gpt-4o-2024-08-06`, too.'),
  effective_from: z.iso.date().describe('The first day (UTC) that it holds for.'),
  input: amountSchema,
  cached: amountSchema.nullable().describe('Input that came from a cache; null = as much as input.'),
  output: amountSchema,
}

export const priceInputSchema = z.strictObject({
  ...priceFields,
  cached: priceFields.cached.default(null),
})
export type PriceInput = z.infer<typeof priceInputSchema>

export const priceSchema = z.object({
  ...priceFields,
  model: z.string(),
  id: z.number().int().nullable().describe('null = shipped.'),
})
export type Price = z.infer<typeof priceSchema>

export const priceListSchema = z.object({
  items: z.array(priceSchema).describe('By provider, model and day.'),
  shipped: z.object({
    as_of: z.iso.date(),
    sources: z.array(z.string()).describe('The lists that the shipped prices were taken from.'),
  }),
})
