import type { statsDimensions } from '@gpt-load/contracts/api/stats-report'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'

/** Names of what sums know by its id only; other dimensions are their own names. */
export async function namesOf(
  sql: SqlRunner,
  dimension: (typeof statsDimensions)[number],
  values: readonly (string | number)[],
): Promise<Map<string | number, string>> {
  const table = dimension === 'access_key' ? 'access_keys' : 'groups'
  if (values.length === 0 || !['group', 'member', 'access_key'].includes(dimension)) return new Map()
  const rows = await sql.query<{ id: number; name: string }>(
    `SELECT id, name FROM ${quoteName(sql, table)} WHERE id IN (${placeholders(values.length)})`,
    values,
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}
