import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import type { Page } from '@gpt-load/contracts/api/page'
import type { SqlRunner, SqlValue } from '@gpt-load/database/sql-runner'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { decodeCursor, pageOf } from '../http/cursor.ts'
import { likePattern } from '@gpt-load/database/like-pattern'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { loadAccessKeys } from './access-key-answer.ts'

/** Newest first. */
const cursorSchema = z.tuple([z.number().int()])

export async function listAccessKeys({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'listAccessKeys'>
}): Promise<VerbAnswer<Page<AccessKey>>> {
  authorise(ctx, 'listAccessKeys')
  const { query } = input
  const rows = await findAccessKeyIds(ctx.store.sql, query)
  const page = pageOf(
    rows,
    query.limit,
    ({ id }) => [id],
    ({ id }) => id,
  )
  return { value: { ...page, items: await loadAccessKeys(ctx.store.database, page.items) } }
}

async function findAccessKeyIds(
  sql: SqlRunner,
  query: VerbInput<'listAccessKeys'>['query'],
): Promise<{ id: number }[]> {
  const conditions = ['id < ?']
  const values: SqlValue[] = [
    query.cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(query.cursor, cursorSchema)[0],
  ]
  if (query.enabled !== undefined) {
    conditions.push('enabled = ?')
    values.push(query.enabled)
  }
  if (query.group_id !== undefined) {
    conditions.push(
      '(all_groups = ? OR EXISTS (SELECT 1 FROM access_key_groups g WHERE g.access_key_id = id AND g.group_id = ?))',
    )
    values.push(true, query.group_id)
  }
  if (query.search !== undefined && query.search !== '') {
    const pattern = likePattern(query.search.toLowerCase())
    conditions.push("(LOWER(name) LIKE ? ESCAPE '!' OR LOWER(note) LIKE ? ESCAPE '!')")
    values.push(pattern, pattern)
  }
  return sql.query(
    `SELECT id FROM access_keys WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ${query.limit + 1}`,
    values,
  )
}
