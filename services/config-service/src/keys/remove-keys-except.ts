import { placeholders } from '@gpt-load/database/sql-runner'
import { lockRows } from '../lock-rows.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { ChangeContext } from '../verb.ts'
import { adjustKeyCounts, countChanges, type CountedKey } from './adjust-key-counts.ts'

/** Deletes the keys of a group whose hash is not among `kept` (base64), a chunk per transaction and revision. */
const pageRows = 500

export async function removeKeysExcept(
  ctx: ChangeContext,
  { groupId, kept, action }: { groupId: number; kept: ReadonlySet<string>; action: string },
): Promise<number | null> {
  let last: number | null = null
  for (let after = 0; ;) {
    const rows = await ctx.store.sql.query<{ id: number; hash: Buffer }>(
      `SELECT id, hash FROM provider_keys WHERE group_id = ? AND id > ? ORDER BY id LIMIT ${pageRows}`,
      [groupId, after],
    )
    const lastRow = rows.at(-1)
    if (lastRow === undefined) return last
    after = lastRow.id
    const ids = rows.filter(({ hash }) => !kept.has(Buffer.from(hash).toString('base64'))).map(({ id }) => id)
    if (ids.length === 0) continue
    const { revision } = await commitChange({ ctx }, (tx) => removeKeys(tx, { groupId, ids, action }))
    last = revision ?? last
  }
}

async function removeKeys(
  tx: ChangeTransaction,
  { groupId, ids, action }: { groupId: number; ids: readonly number[]; action: string },
): Promise<void> {
  const found = await lockRows(tx.sql, 'provider_keys', ids)
  if (found.length === 0) return
  const list = placeholders(found.length)
  const rows = await tx.sql.query<CountedKey>(`SELECT state, cause FROM provider_keys WHERE id IN (${list})`, found)
  await tx.sql.execute(`DELETE FROM key_model_states WHERE key_id IN (${list})`, found)
  await tx.sql.execute(`DELETE FROM provider_keys WHERE id IN (${list})`, found)
  await adjustKeyCounts(tx.sql, groupId, countChanges(rows.map((row) => [row, -1])))
  tx.touch('key', found)
  tx.audit({ action, entity: 'group', entityId: groupId, detail: { removed: rows.length } })
}
