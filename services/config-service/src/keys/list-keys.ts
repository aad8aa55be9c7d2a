import type { ListedKey } from '@gpt-load/contracts/api/key'
import type { Page } from '@gpt-load/contracts/api/page'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { decodeCursor, encodeCursor } from '../http/cursor.ts'
import { fromInstant } from '../instant.ts'
import { loadProbeSchedule } from '../probe/load-probe-schedule.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { findKeys } from './find-keys.ts'
import { toKey, type KeyAnswerRow } from './key-answer.ts'
import { filterByUse, loadKeyUsage } from './key-usage.ts'

/**
 * Newest first. A page costs the same at a hundred keys and at a million: filters are index ranges, and what has to be looked
 * at row by row (a search, the last use) is bounded, so that a page may be short and still have a next one.
 */
const cursorSchema = z.tuple([z.number().int()])
/** Keys whose last use one page asks the logs for. */
const keysPerStep = 1_000
const maxSteps = 5

type Query = VerbInput<'listKeys'>['query']
/** `before`: where the next page begins; null = this is the last. */
type Found = { rows: KeyAnswerRow[]; before: number | null }

export async function listKeys({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'listKeys'>, 'params' | 'query'>
}): Promise<VerbAnswer<Page<ListedKey>>> {
  authorise(ctx, 'listKeys')
  const { id } = input.params
  if ((await ctx.store.database.group.count({ where: { id } })) === 0) throw notFound('group')
  const { rows, before } = await findPage(ctx, id, input.query)
  const [schedule, usageOf] = await Promise.all([
    loadProbeSchedule(ctx, id),
    loadKeyUsage(
      ctx,
      rows.map((row) => row.id),
    ),
  ])
  const nowMs = ctx.clock.nowMs()
  const items = rows.map((row) => ({ ...toKey(row, schedule, nowMs), usage: usageOf(row.id) }))
  return { value: { items, next_cursor: before === null ? null : encodeCursor([before]) } }
}

async function findPage(ctx: VerbContext, groupId: number, query: Query): Promise<Found> {
  const { limit, cursor, used_since, unused_since, ...filter } = query
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor, cursorSchema)[0]
  const search = (from: number, size: number) => findRows(ctx, { groupId, filter, before: from, limit: size })
  if (used_since === undefined && unused_since === undefined) return search(before, limit)
  const use = {
    ...(used_since === undefined ? {} : { usedSinceMs: fromInstant(used_since) }),
    ...(unused_since === undefined ? {} : { unusedSinceMs: fromInstant(unused_since) }),
  }
  const rows: KeyAnswerRow[] = []
  let next: number | null = before
  for (let step = 0; step < maxSteps && next !== null && rows.length < limit; step++) {
    const found: Found = await search(next, keysPerStep)
    const ids = found.rows.map(({ id }) => id)
    const wanted = await filterByUse(ctx.logReader.keys, ids, use)
    rows.push(...found.rows.filter(({ id }) => wanted.has(id)))
    next = found.before
  }
  return rows.length <= limit ? { rows, before: next } : cut(rows, limit)
}

type Search = Parameters<typeof findKeys>[1]

async function findRows({ store }: VerbContext, search: Search): Promise<Found> {
  const { limit } = search
  const { rows, floor } = await findKeys(store.sql, { ...search, limit: limit + 1 })
  return rows.length > limit ? cut(rows, limit) : { rows, before: floor === 0 ? null : floor }
}

/** The last row shown is where the next page begins. */
function cut(rows: readonly KeyAnswerRow[], limit: number): Found {
  const shown = rows.slice(0, limit)
  return { rows: shown, before: shown.at(-1)?.id ?? null }
}
