import type { Cause, KeyState } from '@gpt-load/contracts/key-state'
import { placeholders } from '@gpt-load/database/sql-runner'
import { restoreKey } from '@gpt-load/key-health/operator-actions'
import { equalFacts } from '@gpt-load/key-health/merge-facts'
import { authorise } from '../authorise.ts'
import { causeText, lockKeys, writeHistory, writeKeys, type LockedKey } from '../key-state/locked-keys.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbContext } from '../verb.ts'
import { adjustKeyCounts } from './adjust-key-counts.ts'

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
    keys.map(({ id, stored }) => ({ id, state: stored.state })),
  )
}

/** Removes keys whose rows are locked; what is remembered of why is up to the caller. Answers how many. */
export async function removeKeys(
  tx: ChangeTransaction,
  groupId: number,
  keys: readonly { id: number; state: KeyState }[],
  why: object = {},
): Promise<number> {
  const ids = keys.map(({ id }) => id)
  await tx.sql.execute(`DELETE FROM key_model_states WHERE key_id IN (${placeholders(ids.length)})`, ids)
  await tx.sql.execute(`DELETE FROM provider_keys WHERE id IN (${placeholders(ids.length)})`, ids)
  await adjustKeyCounts(tx.sql, groupId, countStates(keys, -1))
  tx.touch('key', ids)
  tx.audit({ action: 'key.delete', entity: 'group', entityId: groupId, detail: { deleted: ids.length, ...why } })
  return ids.length
}

/**
 * Keys of one group back to active, those that were not: what is known per model is void with it, disabled keys stay
 * disabled. Answers how many.
 */
export async function restoreLocked(
  tx: ChangeTransaction,
  groupId: number,
  keys: readonly LockedKey[],
  why: object = {},
): Promise<number> {
  const cause = causeText({ at: tx.nowMs, class: 'operator' } satisfies Cause)
  const restored = keys
    .map((key) => ({ ...key, facts: restoreKey(key.facts), cause }))
    .filter(({ stored, facts }) => !equalFacts(stored, facts))
  if (restored.length === 0) return 0
  await writeKeys(tx.sql, restored, tx.nowMs)
  await writeHistory(
    tx.sql,
    restored.map((key) => ({
      key,
      model: '',
      at: tx.nowMs,
      from: key.stored.state,
      facts: key.facts,
      cause,
      isApplied: true,
    })),
  )
  const stored = restored.map((key) => ({ state: key.stored.state }))
  const before = countStates(stored, -1)
  await adjustKeyCounts(tx.sql, groupId, { ...before, active: (before.active ?? 0) + restored.length })
  const ids = restored.map(({ id }) => id)
  tx.touch('key_state', ids)
  tx.stamp('provider_keys', ids)
  tx.audit({ action: 'key.restore', entity: 'group', entityId: groupId, detail: { restored: ids.length, ...why } })
  return restored.length
}

function countStates(keys: readonly { state: KeyState }[], step: 1 | -1): Partial<Record<KeyState, number>> {
  const counts: Partial<Record<KeyState, number>> = {}
  for (const { state } of keys) counts[state] = (counts[state] ?? 0) + step
  return counts
}
