import { adjustKeyCounts } from '../keys/adjust-key-counts.ts'
import { hashKeys, insertKeys, sealKeys, withoutMostKnown, type KeyRow } from '../keys/insert-keys.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import type { VerbContext } from '../verb.ts'
import { changePart } from './part-chunk.ts'
import { importParametersOf, type TaskRow } from './task-row.ts'

/** Told apart from what the group has and sealed outside of the transaction that adds them. */
export const importChunk = changePart(async (ctx, task, keys) => {
  const rows = await newRows(ctx, task.group_id, keys)
  return (tx) => addRows(tx, task, rows)
})

async function newRows({ keyring, store }: VerbContext, groupId: number, keys: readonly string[]): Promise<KeyRow[]> {
  const hashed = await hashKeys(keyring, [...new Set(keys)])
  return sealKeys(keyring, await withoutMostKnown(store.sql, groupId, hashed))
}

async function addRows(tx: ChangeTransaction, task: TaskRow, rows: readonly KeyRow[]): Promise<number> {
  if (rows.length === 0) return 0
  const { added, changes } = await insertKeys(tx, task.group_id, rows, { ...importParametersOf(task), managedBy: null })
  if (added === 0) return 0
  await adjustKeyCounts(tx.sql, task.group_id, changes)
  tx.audit({ action: 'key.import', entity: 'group', entityId: task.group_id, detail: { added, task: task.id } })
  return added
}
