import type { Key } from '@gpt-load/contracts/api/key'
import type { Page } from '@gpt-load/contracts/api/page'
import { keyStates } from '@gpt-load/contracts/key-state'
import type { SqlRunner, SqlValue } from '@gpt-load/database/sql-runner'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { decodeCursor, pageOf } from '../http/cursor.ts'
import { likePattern } from '@gpt-load/database/like-pattern'
import { loadProbeSchedule } from '../probe/load-probe-schedule.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { keyAnswerColumns, toKey, type KeyAnswerRow } from './key-answer.ts'

/**
 * Newest first. Each state is an index range (group, state, id) of its own, of which at most a page is read, so a page
 * costs the same at a hundred keys and at a million; only a search has to look at rows that it does not show.
 */
const cursorSchema = z.tuple([z.number().int()])

export async function listKeys({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'listKeys'>, 'params' | 'query'>
}): Promise<VerbAnswer<Page<Key>>> {
  authorise(ctx, 'listKeys')
  const { id } = input.params
  if ((await ctx.store.database.group.count({ where: { id } })) === 0) throw notFound('group')
  const rows = await findKeys(ctx.store.sql, id, input.query)
  const schedule = await loadProbeSchedule(ctx, id)
  const nowMs = ctx.clock.nowMs()
  return {
    value: pageOf(
      rows,
      input.query.limit,
      (row) => [row.id],
      (row) => toKey(row, schedule, nowMs),
    ),
  }
}

async function findKeys(
  sql: SqlRunner,
  groupId: number,
  query: VerbInput<'listKeys'>['query'],
): Promise<KeyAnswerRow[]> {
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(query.cursor, cursorSchema)[0]
  const search = query.search === undefined ? null : likePattern(query.search.toLowerCase())
  const limit = query.limit + 1
  const values: SqlValue[] = []
  const parts = [...new Set(query.state ?? keyStates)].map((state) => {
    const condition = search === null ? '' : " AND (LOWER(note) LIKE ? ESCAPE '!' OR LOWER(hint) LIKE ? ESCAPE '!')"
    values.push(groupId, state, before, ...(search === null ? [] : [search, search]))
    return `SELECT * FROM (SELECT ${keyAnswerColumns} FROM provider_keys
      WHERE group_id = ? AND state = ? AND id < ?${condition} ORDER BY id DESC LIMIT ${limit}) of_${state}`
  })
  return sql.query(`${parts.join(' UNION ALL ')} ORDER BY id DESC LIMIT ${limit}`, values)
}
