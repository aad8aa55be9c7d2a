import type { Group } from '@gpt-load/contracts/api/group'
import type { Page } from '@gpt-load/contracts/api/page'
import { quoteName } from '@gpt-load/database/bulk-insert'
import type { SqlRunner, SqlValue } from '@gpt-load/database/sql-runner'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { decodeCursor, pageOf } from '../http/cursor.ts'
import { likePattern } from '@gpt-load/database/like-pattern'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { loadGroups } from './load-groups.ts'

/** In the order that people gave them, newer ones first among equals. */
const cursorSchema = z.tuple([z.number().int(), z.number().int()])

export async function listGroups({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'listGroups'>, 'query'>
}): Promise<VerbAnswer<Page<Group>>> {
  authorise(ctx, 'listGroups')
  const { query } = input
  const rows = await findGroupIds(ctx.store.sql, query)
  const page = pageOf(
    rows,
    query.limit,
    (row) => [row.sort, row.id],
    ({ id }) => id,
  )
  return { value: { ...page, items: await loadGroups(ctx.store.database, ctx.keyring, page.items) } }
}

async function findGroupIds(
  sql: SqlRunner,
  query: VerbInput<'listGroups'>['query'],
): Promise<{ id: number; sort: number }[]> {
  const conditions: string[] = []
  const values: SqlValue[] = []
  const add = (condition: string, ...more: SqlValue[]): void => {
    conditions.push(condition)
    values.push(...more)
  }
  if (query.kind !== undefined) add('kind = ?', query.kind)
  if (query.channel !== undefined) add('channel = ?', query.channel)
  if (query.enabled !== undefined) add('enabled = ?', query.enabled)
  if (query.search !== undefined && query.search !== '') {
    const pattern = likePattern(query.search.toLowerCase())
    const columns = ['name', 'display_name', 'description']
    add(
      `(${columns.map((column) => `LOWER(${column}) LIKE ? ESCAPE '!'`).join(' OR ')})`,
      ...columns.map(() => pattern),
    )
  }
  if (query.cursor !== undefined) {
    const [sort, id] = decodeCursor(query.cursor, cursorSchema)
    add('(sort > ? OR (sort = ? AND id < ?))', sort, sort, id)
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  return sql.query(
    `SELECT id, sort FROM ${quoteName(sql, 'groups')} ${where} ORDER BY sort ASC, id DESC LIMIT ${query.limit + 1}`,
    values,
  )
}
