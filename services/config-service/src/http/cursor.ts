import { z } from 'zod'
import { wrongField } from './api-problem.ts'

/** Keyset cursors: base64url of a JSON array, the sort key of a page's last row. Whatever a client sends is checked. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** Throws a problem at `/cursor` when it is none of ours. */
export function decodeCursor<T extends z.ZodType>(cursor: string, schema: T): z.output<T> {
  const result = schema.safeParse(parsed(cursor))
  if (result.success) return result.data
  throw wrongField('/cursor', 'This is no cursor of this list.')
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown
  } catch {
    return undefined
  }
}

/** Rows of `limit + 1` -> a page; the surplus row only says that there is more. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  positionOf: (row: Row) => readonly (string | number)[],
  toItem: (row: Row) => Item,
): { items: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return { items: shown.map(toItem), next_cursor: hasMore ? encodeCursor(positionOf(last)) : null }
}
