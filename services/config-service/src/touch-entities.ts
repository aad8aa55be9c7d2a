import type { ChangeTransaction } from './truth/change-transaction.ts'

/** Entities that edges must look at again; their ETag becomes the revision of this transaction. */
export function touchGroups(tx: ChangeTransaction, ids: readonly number[]): void {
  tx.touch('group', ids)
  tx.stamp('groups', ids)
}

export function touchAccessKeys(tx: ChangeTransaction, ids: readonly number[]): void {
  tx.touch('access_key', ids)
  tx.stamp('access_keys', ids)
}
