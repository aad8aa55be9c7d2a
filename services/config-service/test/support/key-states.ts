import { quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders } from '@gpt-load/database/sql-runner'
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
