import type { AdminToken } from '@gpt-load/contracts/api/admin-token'
import type { Page } from '@gpt-load/contracts/api/page'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { decodeCursor, pageOf } from '../http/cursor.ts'
import { likePattern } from '@gpt-load/database/like-pattern'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { adminTokenColumns, toAdminToken, type AdminTokenRow } from './admin-token-answer.ts'

/** Newest first. */
const cursorSchema = z.tuple([z.number().int()])

export async function listAdminTokens({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'listAdminTokens'>, 'query'>
}): Promise<VerbAnswer<Page<AdminToken>>> {
  authorise(ctx, 'listAdminTokens')
  const { limit, cursor, search = '' } = input.query
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor, cursorSchema)[0]
  const rows = await ctx.store.sql.query<AdminTokenRow>(
    `SELECT ${adminTokenColumns} FROM admin_tokens WHERE id < ? AND LOWER(name) LIKE ? ESCAPE '!' ORDER BY id DESC LIMIT ${limit + 1}`,
    [before, likePattern(search.toLowerCase())],
  )
  return { value: pageOf(rows, limit, ({ id }) => [id], toAdminToken) }
}
