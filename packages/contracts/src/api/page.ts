import { z } from 'zod'
import { integerParameter } from './parameters.ts'

/**
 * Lists are paged by keyset: `next_cursor` of one page is `cursor` of the next, null on the last. A cursor is opaque and
 * belongs to the list, filters and order that it came from. Rows that are added or removed meanwhile shift nothing.
 */
export const maxPageItems = 1_000

export const pageParameters = {
  limit: integerParameter({ min: 1, max: maxPageItems }).default(100).describe('Items per page.'),
  cursor: z.string().min(1).max(500).optional().describe('next_cursor of the page before.'),
}

export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() })
}

export type Page<T> = { items: T[]; next_cursor: string | null }
