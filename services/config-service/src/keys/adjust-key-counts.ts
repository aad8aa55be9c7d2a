import type { KeyState } from '@gpt-load/contracts/key-state'
import type { SqlRunner } from '@gpt-load/database/sql-runner'

/** Keys per group and stored state, kept in the transaction that changes them: nobody ever counts a million rows. */
export async function adjustKeyCounts(
  sql: SqlRunner,
  groupId: number,
  changes: Readonly<Partial<Record<KeyState, number>>>,
): Promise<void> {
  const upsert =
    sql.dialect === 'mysql'
      ? 'ON DUPLICATE KEY UPDATE `count` = `count` + VALUES(`count`)'
      : 'ON CONFLICT (group_id, state) DO UPDATE SET "count" = group_key_counts."count" + excluded."count"'
  const count = sql.dialect === 'mysql' ? '`count`' : '"count"'
  // Always in the same order, so that two transactions cannot wait for each other.
  for (const [state, difference] of Object.entries(changes).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (difference === 0) continue
    await sql.execute(`INSERT INTO group_key_counts (group_id, state, ${count}) VALUES (?, ?, ?) ${upsert}`, [
      groupId,
      state,
      difference,
    ])
  }
}

export async function countKeys(sql: SqlRunner, groupId: number): Promise<number> {
  const count = sql.dialect === 'mysql' ? '`count`' : '"count"'
  const [row] = await sql.query<{ total: number | null }>(
    `SELECT SUM(${count}) AS total FROM group_key_counts WHERE group_id = ?`,
    [groupId],
  )
  return Number(row?.total ?? 0)
}
