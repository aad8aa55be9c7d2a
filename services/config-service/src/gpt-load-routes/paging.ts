import { gptLoadPageSizes } from '@gpt-load/contracts/gpt-load-api/envelope'

/** Numbered pages. What is no number counts as left out, as in GPT-Load. */
export type PageRequest = { page: number; pageSize: number; offset: number }

export function pageRequestOf(query: Readonly<Record<string, string>>): PageRequest {
  const page = positiveOr(query['page'], 1)
  const pageSize = Math.min(positiveOr(query['page_size'], gptLoadPageSizes.default), gptLoadPageSizes.max)
  return { page, pageSize, offset: (page - 1) * pageSize }
}

function positiveOr(text: string | undefined, fallback: number): number {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : fallback
}

export function toPage<T>(items: T[], { page, pageSize }: PageRequest, total: number) {
  return {
    items,
    pagination: { page, page_size: pageSize, total_items: total, total_pages: Math.ceil(total / pageSize) },
  }
}
