import type { CauseClass } from '@gpt-load/contracts/api/key'
import type { Cause, KeyState } from '@gpt-load/contracts/key-state'
import type { SqlRunner } from '@gpt-load/database/sql-runner'

/** Keys per group by stored state, and those that are out by cause, kept in the transaction that changes them: nobody ever counts a million rows. */
export type CountedKey = {
  state: KeyState
  /** As stored: JSON, '' = none. */
  cause: string
}
export type KeyCountChanges = {
  states: Partial<Record<KeyState, number>>
  /** A cause counts while it keeps a key out; an active key may still tell why it is back. */
  causes: Partial<Record<CauseClass, number>>
}

export function countChanges(entries: Iterable<readonly [key: CountedKey, step: number]>): KeyCountChanges {
  const changes: KeyCountChanges = { states: {}, causes: {} }
  for (const [{ state, cause }, step] of entries) {
    changes.states[state] = (changes.states[state] ?? 0) + step
    if (state === 'active' || cause === '') continue
    const { class: causeClass } = JSON.parse(cause) as Cause
    changes.causes[causeClass] = (changes.causes[causeClass] ?? 0) + step
  }
  return changes
}

export async function adjustKeyCounts(
  sql: SqlRunner,
  groupId: number,
  { states, causes }: KeyCountChanges,
): Promise<void> {
  await adjust(sql, { table: 'group_key_counts', column: 'state', groupId, changes: states })
  await adjust(sql, { table: 'group_cause_counts', column: 'cause', groupId, changes: causes })
}

type Adjustment = {
  table: 'group_key_counts' | 'group_cause_counts'
  column: 'state' | 'cause'
  groupId: number
  changes: Readonly<Partial<Record<string, number>>>
}

async function adjust(sql: SqlRunner, { table, column, groupId, changes }: Adjustment): Promise<void> {
  const upsert =
    sql.dialect === 'mysql'
      ? 'ON DUPLICATE KEY UPDATE `count` = `count` + VALUES(`count`)'
      : `ON CONFLICT (group_id, ${column}) DO UPDATE SET "count" = ${table}."count" + excluded."count"`
  const count = sql.dialect === 'mysql' ? '`count`' : '"count"'
  // Always in the same order, so that two transactions cannot wait for each other.
  for (const [value, difference] of Object.entries(changes).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (difference === 0 || difference === undefined) continue
    await sql.execute(`INSERT INTO ${table} (group_id, ${column}, ${count}) VALUES (?, ?, ?) ${upsert}`, [
      groupId,
      value,
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
