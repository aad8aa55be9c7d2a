import { placeholders } from '@gpt-load/database/sql-runner'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { adjustKeyCounts, countChanges, type CountedKey } from './adjust-key-counts.ts'
import { newestKeyId } from './insert-keys.ts'

/**
 * Keys of one group into another, inside the database: secrets are sealed to their hash, not to a row, so nothing is opened.
 * What a provider said about a key is left behind, what a person said is not.
 */
const keptColumns = 'hash, secret, hint, note, weight'

/** Of those keys, the ones that the other group does not have yet; answers how many. The caller has locked that group. */
export async function insertCopies(
  tx: ChangeTransaction,
  { from, to, ids }: { from: number; to: number; ids: readonly number[] },
): Promise<number> {
  const isMysql = tx.sql.dialect === 'mysql'
  const newestBefore = await newestKeyId(tx.sql)
  await tx.sql.execute(
    `INSERT ${isMysql ? 'IGNORE ' : ''}INTO provider_keys (group_id, ${keptColumns}, state, until, cause, generation, failures, last_probe_at, revision, created_at, updated_at)
     SELECT ?, ${keptColumns},
       CASE WHEN state = 'disabled' THEN state ELSE 'active' END,
       CASE WHEN state = 'disabled' THEN until ELSE 0 END,
       CASE WHEN state = 'disabled' THEN cause ELSE '' END,
       0, 0, 0, 0, ?, ?
     FROM provider_keys WHERE group_id = ? AND id IN (${placeholders(ids.length)}) ORDER BY id${isMysql ? '' : ' ON CONFLICT DO NOTHING'}`,
    [to, tx.nowMs, tx.nowMs, from, ...ids],
  )
  const rows = await tx.sql.query<CountedKey & { id: number }>(
    'SELECT id, state, cause FROM provider_keys WHERE id > ? AND group_id = ?',
    [newestBefore, to],
  )
  tx.touch(
    'key',
    rows.map(({ id }) => id),
  )
  await adjustKeyCounts(tx.sql, to, countChanges(rows.map((row) => [row, 1])))
  return rows.length
}
