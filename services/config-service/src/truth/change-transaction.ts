import type { WriteTransaction } from '@gpt-load/database/database-handle'

/**
 * What edges are told of. `key` = the whole key (added, replaced, removed); `key_state` and `key_model` = its facts only,
 * both by key id. `setting` has the id 0.
 */
export type ChangeKind = 'setting' | 'group' | 'access_key' | 'key' | 'key_state' | 'key_model'
/** Tables whose `revision` column is the entity's ETag. `settings` rows go by name. */
export type StampedTable = 'groups' | 'access_keys' | 'provider_keys' | 'settings'

export type AuditEntry = {
  /** e.g. `group.update` */
  action: string
  entity: string
  entityId: string | number
  /** Changed fields, secrets masked. Cut at 8 KiB. */
  detail?: unknown
}

export interface ChangeTransaction extends WriteTransaction {
  readonly nowMs: number
  /** Rows that are there are sent as they are now; ids that are not are removed. Deleted ids are touched, too. */
  touch(kind: ChangeKind, ids: Iterable<number>): void
  /** An inclusive range; every id in it that has no row is announced as removed, so ranges should be dense. */
  touchRange(kind: ChangeKind, from: number, to: number): void
  /** Writes the revision of this transaction into the rows, once it is known. */
  stamp(table: StampedTable, ids: Iterable<number | string>): void
  audit(entry: AuditEntry): void
  /**
   * Runs last, when the revision is known (that of the database when this transaction changes nothing) and other writers
   * wait for it: one or two statements at most.
   */
  atEnd(work: (revision: number) => Promise<void>): void
}
