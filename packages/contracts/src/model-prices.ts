import type { ChannelType } from './channel-types.ts'

/**
 * What tokens cost, in US dollars per million. Cost is worked out when it is asked for, from the tokens per model that the
 * rollups hold: a corrected price corrects the past. A price holds from a day on (UTC) until the next one of its model.
 */
export const priceProviders = ['openai', 'azure-openai', 'anthropic', 'gemini'] as const
export type PriceProvider = (typeof priceProviders)[number]

export type ModelPrice = {
  provider: PriceProvider
  /** Without the date or version at its end; `modelFamily`. */
  model: string
  /** `YYYY-MM-DD`, UTC. */
  effective_from: string
  input: number
  /** null = cached input costs as much as input. */
  cached: number | null
  output: number
}

export const providerOfChannel = {
  openai: 'openai',
  'openai-response': 'openai',
  'azure-openai': 'azure-openai',
  anthropic: 'anthropic',
  gemini: 'gemini',
} as const satisfies Record<ChannelType, PriceProvider>

/** `gpt-4o-2024-08-06`, `claude-3-5-haiku-latest`, `gemini-2.0-flash-001`, `models/…`, `claude-…@20250514` -> the name that prices go by. */
export function modelFamily(model: string): string {
  return model
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(/[-@](\d{4}-\d{2}-\d{2}|\d{8}|latest|\d{3}|preview-\d{2}-\d{2,4})$/, '')
}

/** Where the shipped prices come from: the providers' public lists for standard processing, prompts up to 200,000 tokens. */
export const shippedPriceSource = {
  as_of: '2025-11-30',
  lists: {
    openai: 'https://platform.openai.com/docs/pricing',
    anthropic: 'https://docs.claude.com/en/docs/about-claude/pricing',
    gemini: 'https://ai.google.dev/gemini-api/docs/pricing',
  },
} as const

type Line = [model: string, effectiveFrom: string, input: number, cached: number | null, output: number]

const openai: readonly Line[] = [
  ['gpt-5', '2025-08-07', 1.25, 0.125, 10],
  ['gpt-5-mini', '2025-08-07', 0.25, 0.025, 2],
  ['gpt-5-nano', '2025-08-07', 0.05, 0.005, 0.4],
  ['gpt-4.1', '2025-04-14', 2, 0.5, 8],
  ['gpt-4.1-mini', '2025-04-14', 0.4, 0.1, 1.6],
  ['gpt-4.1-nano', '2025-04-14', 0.1, 0.025, 0.4],
  ['gpt-4o', '2024-10-02', 2.5, 1.25, 10],
  ['gpt-4o-mini', '2024-10-02', 0.15, 0.075, 0.6],
  ['o4-mini', '2025-04-16', 1.1, 0.275, 4.4],
  ['o3', '2025-04-16', 10, 2.5, 40],
  ['o3', '2025-06-10', 2, 0.5, 8],
  ['o3-mini', '2025-01-31', 1.1, 0.55, 4.4],
  ['o1', '2024-12-17', 15, 7.5, 60],
  ['gpt-4-turbo', '2024-04-09', 10, null, 30],
  ['gpt-3.5-turbo', '2024-02-16', 0.5, null, 1.5],
  ['text-embedding-3-small', '2024-01-25', 0.02, null, 0],
  ['text-embedding-3-large', '2024-01-25', 0.13, null, 0],
]
const anthropic: readonly Line[] = [
  ['claude-opus-4-5', '2025-11-24', 5, 0.5, 25],
  ['claude-haiku-4-5', '2025-10-15', 1, 0.1, 5],
  ['claude-sonnet-4-5', '2025-09-29', 3, 0.3, 15],
  ['claude-opus-4-1', '2025-08-05', 15, 1.5, 75],
  ['claude-opus-4', '2025-05-22', 15, 1.5, 75],
  ['claude-sonnet-4', '2025-05-22', 3, 0.3, 15],
  ['claude-3-7-sonnet', '2025-02-24', 3, 0.3, 15],
  ['claude-3-5-sonnet', '2024-06-20', 3, 0.3, 15],
  ['claude-3-5-haiku', '2024-12-18', 0.8, 0.08, 4],
  ['claude-3-haiku', '2024-03-07', 0.25, 0.03, 1.25],
]
const gemini: readonly Line[] = [
  ['gemini-2.5-pro', '2025-06-17', 1.25, 0.125, 10],
  ['gemini-2.5-flash', '2025-06-17', 0.3, 0.03, 2.5],
  ['gemini-2.5-flash-lite', '2025-07-22', 0.1, 0.01, 0.4],
  ['gemini-2.0-flash', '2025-02-05', 0.1, 0.025, 0.4],
  ['gemini-2.0-flash-lite', '2025-02-25', 0.075, null, 0.3],
]

export const shippedPrices: readonly ModelPrice[] = Object.entries({ openai, anthropic, gemini }).flatMap(
  ([provider, lines]) =>
    lines.map(([model, effective_from, input, cached, output]) => ({
      provider: provider as PriceProvider,
      model,
      effective_from,
      input,
      cached,
      output,
    })),
)
