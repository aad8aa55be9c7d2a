import type { KeyState } from '@gpt-load/contracts/key-state'
import { placeholders } from '@gpt-load/database/sql-runner'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbContext } from '../verb.ts'
import { adjustKeyCounts } from './adjust-key-counts.ts'
import { newestKeyId, requireStandardGroup } from './insert-keys.ts'

/**
 * Keys of one group into another, inside the database: secrets are sealed to their hash, not to a row, so nothing is opened.
 * A chunk per transaction and revision. What a provider said about a key is left behind, what a person said is not.
 */
const chunkKeys = { mysql: 5_000, sqlite: 2_000 } as const

/** Answers the revision of the last chunk; null when there was nothing to copy. */
export async function copyKeys(
  ctx: VerbContext,
  { from, to, isValidOnly }: { from: number; to: number; isValidOnly: boolean },
): Promise<number | null> {
  let last: number | null = null
  for (let after = 0; ;) {
    const upTo = await endOfChunk(ctx, from, after)
    if (upTo === null) return last
    const range = { from, to, after, upTo, isValidOnly }
    const { revision } = await commitChange({ ctx }, (tx) => copyChunk(tx, range))
    last = revision ?? last
    after = upTo
  }
}

async function endOfChunk({ store }: VerbContext, groupId: number, after: number): Promise<number | null> {
  const [row] = await store.sql.query<{ id: number | null }>(
    `SELECT MAX(id) AS id FROM (SELECT id FROM provider_keys WHERE group_id = ? AND id > ? ORDER BY id LIMIT ${chunkKeys[store.dialect]}) c`,
    [groupId, after],
  )
  return row?.id ?? null
}

async function copyChunk(
  tx: ChangeTransaction,
  {
    from,
    to,
    after,
    upTo,
    isValidOnly,
  }: { from: number; to: number; after: number; upTo: number; isValidOnly: boolean },
): Promise<void> {
  await requireStandardGroup(tx.sql, to)
  const condition = `id > ? AND id <= ?${isValidOnly ? " AND state NOT IN ('invalid', 'disabled')" : ''}`
  const added = await insertSelected(tx, { from, to, condition, values: [after, upTo] })
  tx.audit({ action: 'key.copy', entity: 'group', entityId: to, detail: { added, from } })
}

/** Of those keys, the ones that the other group does not have yet; answers how many. The caller has locked that group. */
export async function insertCopies(
  tx: ChangeTransaction,
  { from, to, ids }: { from: number; to: number; ids: readonly number[] },
): Promise<number> {
  return insertSelected(tx, { from, to, condition: `id IN (${placeholders(ids.length)})`, values: ids })
}

const keptColumns = 'hash, secret, hint, note, weight'

async function insertSelected(
  tx: ChangeTransaction,
  { from, to, condition, values }: { from: number; to: number; condition: string; values: readonly number[] },
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
     FROM provider_keys WHERE group_id = ? AND ${condition} ORDER BY id${isMysql ? '' : ' ON CONFLICT DO NOTHING'}`,
    [to, tx.nowMs, tx.nowMs, from, ...values],
  )
  const rows = await tx.sql.query<{ id: number; state: KeyState }>(
    'SELECT id, state FROM provider_keys WHERE id > ? AND group_id = ?',
    [newestBefore, to],
  )
  tx.touch(
    'key',
    rows.map(({ id }) => id),
  )
  const disabled = rows.filter(({ state }) => state === 'disabled').length
  await adjustKeyCounts(tx.sql, to, { active: rows.length - disabled, disabled })
  return rows.length
}
