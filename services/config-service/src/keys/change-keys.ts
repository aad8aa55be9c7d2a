import type { Cause, KeyFacts, KeyState } from '@gpt-load/contracts/key-state'
import { idCondition } from '@gpt-load/database/id-condition'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import { restoreKey } from '@gpt-load/key-health/operator-actions'
import { equalFacts } from '@gpt-load/key-health/merge-facts'
import { authorise } from '../authorise.ts'
import {
  causeText,
  lockKeys,
  transitionsOf,
  writeHistory,
  writeKeys,
  type LockedKey,
} from '../key-state/locked-keys.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbContext } from '../verb.ts'
import { adjustKeyCounts, countChanges, type CountedKey } from './adjust-key-counts.ts'

/**
 * Many keys of one group at once, a chunk per transaction and revision: no statement grows with the number of keys, and
 * SQLite's writer is not held for longer than 50 ms. A crash in between leaves whole chunks; doing it again does the rest.
 */
export type KeysChange = {
  /** Keys that it did something to. */
  changed: number
  /** Of the last chunk that changed something. */
  revision: number | null
}

const chunkKeys = { mysql: 1_000, sqlite: 500 } as const

export async function deleteKeys(ctx: VerbContext, groupId: number, ids: readonly number[]): Promise<KeysChange> {
  authorise(ctx, 'deleteKey')
  return inChunks(ctx, groupId, ids, deleteChunk)
}

/** Back to active, those of the ids that are in one of the states; a disabled key stays disabled. */
export async function restoreKeys(
  ctx: VerbContext,
  groupId: number,
  ids: readonly number[],
  states: readonly KeyState[],
): Promise<KeysChange> {
  authorise(ctx, 'restoreKey')
  return inChunks(ctx, groupId, ids, (tx, keys) =>
    restoreLocked(
      tx,
      groupId,
      keys.filter(({ facts }) => states.includes(facts.state)),
    ),
  )
}

type ChunkWork = (tx: ChangeTransaction, keys: readonly LockedKey[], groupId: number) => Promise<number>

async function inChunks(
  ctx: VerbContext,
  groupId: number,
  ids: readonly number[],
  work: ChunkWork,
): Promise<KeysChange> {
  const total: KeysChange = { changed: 0, revision: null }
  const size = chunkKeys[ctx.store.dialect]
  for (let start = 0; start < ids.length; start += size) {
    const { result, revision } = await commitChange({ ctx }, async (tx) => {
      const locked = await lockKeys(tx.sql, ids.slice(start, start + size))
      const keys = [...locked.values()].filter((key) => key.groupId === groupId)
      return keys.length === 0 ? 0 : work(tx, keys, groupId)
    })
    total.changed += result
    total.revision = revision ?? total.revision
  }
  return total
}

async function deleteChunk(tx: ChangeTransaction, keys: readonly LockedKey[], groupId: number): Promise<number> {
  return removeKeys(
    tx,
    groupId,
    keys.map(({ id, stored, storedCause }) => ({ id, state: stored.state, cause: storedCause })),
  )
}

/** Removes keys whose rows are locked; what is remembered of why is up to the caller. Answers how many. */
export async function removeKeys(
  tx: ChangeTransaction,
  groupId: number,
  keys: readonly (CountedKey & { id: number })[],
  why: object = {},
): Promise<number> {
  const ids = keys.map(({ id }) => id)
  const ofModels = idCondition('key_id', ids)
  await tx.sql.execute(`DELETE FROM key_model_states WHERE ${ofModels.where}`, ofModels.values)
  const ofKeys = idCondition('id', ids)
  await tx.sql.execute(`DELETE FROM provider_keys WHERE ${ofKeys.where}`, ofKeys.values)
  await adjustKeyCounts(tx.sql, groupId, countChanges(keys.map((key) => [key, -1])))
  tx.touch('key', ids)
  tx.audit({ action: 'key.delete', entity: 'group', entityId: groupId, detail: { deleted: ids.length, ...why } })
  return ids.length
}

export type KeysAction = {
  /** What one key becomes; the same facts: it is left as it is. */
  act(facts: KeyFacts): KeyFacts
  action: 'key.restore' | 'key.enable' | 'key.disable'
  note?: string
  /** What the audit log remembers of why. */
  why?: object
}

/**
 * Keys of one group back to active; disabled ones stay disabled. Limits of single models are void with it; an active key that has
 * none, and no failures, is left alone. Answers how many it changed.
 */
export async function restoreLocked(
  tx: ChangeTransaction,
  groupId: number,
  keys: readonly LockedKey[],
  why: object = {},
): Promise<number> {
  const fine = keys.filter(({ stored: { state, failures } }) => state === 'active' && failures === 0)
  const limited = await withModelStates(tx.sql, fine)
  const asTheyShould = new Set(fine.filter(({ id }) => !limited.has(id)))
  const worn = keys.filter((key) => !asTheyShould.has(key))
  return moveLocked(tx, groupId, worn, { act: restoreKey, action: 'key.restore', why })
}

async function withModelStates(sql: SqlRunner, keys: readonly LockedKey[]): Promise<Set<number>> {
  if (keys.length === 0) return new Set()
  const rows = await sql.query<{ key_id: number }>(
    `SELECT DISTINCT key_id FROM key_model_states WHERE state <> 'active' AND key_id IN (${placeholders(keys.length)})`,
    keys.map(({ id }) => id),
  )
  return new Set(rows.map(({ key_id }) => key_id))
}

/** What a person does to the state of many keys; what is known per model is void with it. Answers how many it changed. */
export async function moveLocked(
  tx: ChangeTransaction,
  groupId: number,
  keys: readonly LockedKey[],
  { act, action, note = '', why = {} }: KeysAction,
): Promise<number> {
  const cause = causeText({ at: tx.nowMs, class: 'operator', ...(note === '' ? {} : { note }) } satisfies Cause)
  const moved = keys
    .map((key) => ({ ...key, facts: act(key.facts), cause }))
    .filter(({ stored, facts }) => !equalFacts(stored, facts))
  if (moved.length === 0) return 0
  await writeKeys(tx.sql, moved, tx.nowMs)
  await writeHistory(
    tx.sql,
    moved.map((key) => ({
      key,
      model: '',
      at: tx.nowMs,
      from: key.stored.state,
      facts: key.facts,
      cause,
      isApplied: true,
    })),
  )
  await adjustKeyCounts(tx.sql, groupId, transitionsOf(moved))
  const ids = moved.map(({ id }) => id)
  tx.touch('key_state', ids)
  tx.stamp('provider_keys', ids)
  tx.audit({ action, entity: 'group', entityId: groupId, detail: { keys: ids.length, ...noted(note), ...why } })
  return moved.length
}

const noted = (note: string): object => (note === '' ? {} : { note })
