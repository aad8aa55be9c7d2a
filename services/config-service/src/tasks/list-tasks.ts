import type { Page } from '@gpt-load/contracts/api/page'
import type { Task } from '@gpt-load/contracts/api/task'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders, type SqlValue } from '@gpt-load/database/sql-runner'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { decodeCursor, pageOf } from '../http/cursor.ts'
import { likePattern } from '@gpt-load/database/like-pattern'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { taskColumns, toTask, type TaskRow } from './task-row.ts'

/** Newest first, down the primary key: old tasks are removed, so there are never many. */
const cursorSchema = z.tuple([z.number().int()])

export async function listTasks({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'listTasks'>, 'query'>
}): Promise<VerbAnswer<Page<Task>>> {
  authorise(ctx, 'listTasks')
  const { kind, state, group_id: groupId, search = '', cursor, limit } = input.query
  const conditions = ['id < ?']
  const values: SqlValue[] = [cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor, cursorSchema)[0]]
  const add = (column: string, wanted: readonly SqlValue[] | undefined): void => {
    if (wanted === undefined) return
    conditions.push(`${column} IN (${placeholders(wanted.length)})`)
    values.push(...wanted)
  }
  add('kind', kind)
  add('state', state)
  add('group_id', groupId === undefined ? undefined : [groupId])
  if (search !== '') {
    const pattern = likePattern(search.toLowerCase())
    const groups = `SELECT id FROM ${quoteName(ctx.store.sql, 'groups')} WHERE LOWER(name) LIKE ? ESCAPE '!'`
    conditions.push(`(LOWER(created_by) LIKE ? ESCAPE '!' OR group_id IN (${groups}))`)
    values.push(pattern, pattern)
  }
  const rows = await ctx.store.sql.query<TaskRow>(
    `SELECT ${taskColumns} FROM tasks WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ${limit + 1}`,
    values,
  )
  return { value: pageOf(rows, limit, ({ id }) => [id], toTask) }
}
