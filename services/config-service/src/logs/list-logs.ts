import { maxLogRangeMs, type LogPage } from '@gpt-load/contracts/api/log'
import type { LogPosition, LogSearchQuery } from '@gpt-load/database/logs/log-search'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { decodeCursor, encodeCursor } from '../http/cursor.ts'
import { toInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { logFiltersOf, logRangeOf } from './log-query.ts'

/** Range and order are fixed by the first page: a cursor carries them on. */
const orders = ['newest', 'oldest'] as const
/** Of the year 9999. */
const lastInstantMs = 253_402_300_799_999
const cursorSchema = z.tuple([
  z.number().int().nonnegative().max(lastInstantMs).describe('from'),
  z.number().int().nonnegative().max(lastInstantMs).describe('to'),
  z.enum(orders),
  z.number().int().min(-1).max(lastInstantMs).describe('received at'),
  z.number().int().nonnegative().describe('row id'),
  z.number().int().min(1).optional().describe('rows of the next slice'),
])

export async function listLogs({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: VerbInput<'listLogs'>
}): Promise<VerbAnswer<LogPage>> {
  authorise(ctx, 'listLogs')
  const { cursor, limit, order: _, from: __, to: ___, ...filters } = query
  const place = cursor === undefined ? firstPlace(query, ctx.clock.nowMs()) : placeOf(cursor)
  const { items, first, next, searchedUntilMs } = await ctx.logReader.search({
    ...logFiltersOf(filters),
    ...place,
    limit,
  })
  const otherOrder = place.order === 'newest' ? 'oldest' : 'newest'
  return {
    value: {
      items,
      next_cursor: cursorOf(place, place.order, next),
      previous_cursor: cursorOf(place, otherOrder, first),
      searched_until: toInstant(Math.max(0, searchedUntilMs)),
    },
  }
}

type Place = Pick<LogSearchQuery, 'fromMs' | 'toMs' | 'order' | 'after'>

function firstPlace(query: VerbInput<'listLogs'>['query'], nowMs: number): Place {
  return { ...logRangeOf(query, nowMs), order: query.order }
}

function placeOf(cursor: string): Place {
  const [fromMs, toMs, order, receivedAtMs, id, sliceRows] = decodeCursor(cursor, cursorSchema)
  const after = { receivedAtMs, id, ...(sliceRows === undefined ? {} : { sliceRows }) }
  return { fromMs: Math.max(fromMs, toMs - maxLogRangeMs), toMs, order, after }
}

function cursorOf({ fromMs, toMs }: Place, order: Place['order'], position: LogPosition | null): string | null {
  if (position === null) return null
  const { receivedAtMs, id, sliceRows } = position
  return encodeCursor([fromMs, toMs, order, receivedAtMs, id, ...(sliceRows === undefined ? [] : [sliceRows])])
}
