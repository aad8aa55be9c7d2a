import type { ListedKey } from '@gpt-load/contracts/api/key'
import type { Page } from '@gpt-load/contracts/api/page'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { decodeCursor, encodeCursor } from '../http/cursor.ts'
import { fromInstant } from '../instant.ts'
import { loadProbeSchedule } from '../probe/load-probe-schedule.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { findKeys, loadKeyRows } from './find-keys.ts'
import { toKey } from './key-answer.ts'
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
type Found = { ids: number[]; before: number | null }

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
  const { ids, before } = await findPage(ctx, id, input.query)
  const [rows, schedule, usageOf] = await Promise.all([
    loadKeyRows(ctx.store.sql, ids),
    loadProbeSchedule(ctx, id),
    loadKeyUsage(ctx, ids),
  ])
  const nowMs = ctx.clock.nowMs()
  const items = rows.map((row) => ({ ...toKey(row, schedule, nowMs), usage: usageOf(row.id) }))
  return { value: { items, next_cursor: before === null ? null : encodeCursor([before]) } }
}

async function findPage(ctx: VerbContext, groupId: number, query: Query): Promise<Found> {
  const { limit, cursor, used_since, unused_since, ...filter } = query
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor, cursorSchema)[0]
  const search = (from: number, size: number) => findIds(ctx, { groupId, filter, before: from, limit: size })
  if (used_since === undefined && unused_since === undefined) return search(before, limit)
  const use = {
    ...(used_since === undefined ? {} : { usedSinceMs: fromInstant(used_since) }),
    ...(unused_since === undefined ? {} : { unusedSinceMs: fromInstant(unused_since) }),
  }
  const ids: number[] = []
  let next: number | null = before
  for (let step = 0; step < maxSteps && next !== null && ids.length < limit; step++) {
    const found: Found = await search(next, keysPerStep)
    ids.push(...(await filterByUse(ctx.logReader.keys, found.ids, use)))
    next = found.before
  }
  return ids.length <= limit ? { ids, before: next } : cut(ids, limit)
}

type Search = Parameters<typeof findKeys>[1]

async function findIds({ store }: VerbContext, search: Search): Promise<Found> {
  const { limit } = search
  const { ids, floor } = await findKeys(store.sql, { ...search, limit: limit + 1 })
  return ids.length > limit ? cut(ids, limit) : { ids, before: floor === 0 ? null : floor }
}

/** The last key shown is where the next page begins. */
function cut(ids: readonly number[], limit: number): Found {
  const shown = ids.slice(0, limit)
  return { ids: shown, before: shown.at(-1) ?? null }
}
