import { quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'

/**
 * Keeps other writers from rows that this transaction is about to read and change; always in id order, so that two
 * transactions cannot wait for each other. SQLite has one writer: nothing to do. Answers the ids that are there.
 */
export async function lockRows(
  sql: SqlRunner,
  table: 'groups' | 'access_keys' | 'provider_keys',
  ids: readonly number[],
): Promise<number[]> {
  if (ids.length === 0) return []
  const lock = sql.dialect === 'mysql' ? ' FOR UPDATE' : ''
  const rows = await sql.query<{ id: number }>(
    `SELECT id FROM ${quoteName(sql, table)} WHERE id IN (${placeholders(ids.length)}) ORDER BY id${lock}`,
    ids,
  )
  return rows.map(({ id }) => id)
}
