import assert from 'node:assert/strict'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import type { KeyState } from '@gpt-load/contracts/key-state'
import type { OpenedApi } from './open-api.ts'

/** Puts keys into a state as if an edge had reported it, with the group's counts. */
export async function putIntoState({ store }: OpenedApi, ids: readonly number[], state: KeyState): Promise<void> {
  const { sql } = store
  const count = quoteName(sql, 'count')
  await sql.execute(`UPDATE provider_keys SET state = ? WHERE id IN (${placeholders(ids.length)})`, [state, ...ids])
  await sql.execute('DELETE FROM group_key_counts')
  await sql.execute(
    `INSERT INTO group_key_counts (group_id, state, ${count}) SELECT group_id, state, COUNT(*) FROM provider_keys GROUP BY group_id, state`,
  )
}

/** The counts that are kept of a group say what counting would. */
export async function assertCountsAreKept(sql: SqlRunner, groupId: number): Promise<void> {
  const count = quoteName(sql, 'count')
  for (const [table, column, value, where] of [
    ['group_key_counts', 'state', 'state', '1 = 1'],
    ['group_cause_counts', 'cause', 'cause_class', "state <> 'active' AND cause_class IS NOT NULL"],
  ] as const) {
    const kept = await sql.query(
      `SELECT ${column} AS value, ${count} AS n FROM ${table} WHERE group_id = ? AND ${count} <> 0 ORDER BY ${column}`,
      [groupId],
    )
    const counted = await sql.query(
      `SELECT ${value} AS value, COUNT(*) AS n FROM provider_keys WHERE group_id = ? AND ${where} GROUP BY ${value} ORDER BY ${value}`,
      [groupId],
    )
    assert.deepEqual(kept, counted, table)
  }
}
