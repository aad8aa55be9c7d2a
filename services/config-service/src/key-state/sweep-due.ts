import type { KeyState } from '@gpt-load/contracts/key-state'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { assertLease, withLease, type LeaseHold } from '@gpt-load/database/lease'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import { adjustKeyCounts, countChanges } from '../keys/adjust-key-counts.ts'

/**
 * Rewrites keys whose deadline has passed as active, so that lists and counts say what is. Edges derive the same from the
 * clock and store the same facts (state active, no deadline, generation and failures as they were), so there is nothing to
 * tell them: no revision. In chunks, by one replica at a time, past rows that somebody works on.
 */
const leaseTtlMs = 30_000
const rowsPerChunk = 500
const timedStates: readonly KeyState[] = ['cooling', 'exhausted', 'disabled']

/** Answers how many rows were rewritten; 0 also when another replica is at it. */
export async function sweepDue(store: DatabaseHandle, nowMs: number): Promise<number> {
  if (!(await isAnythingDue(store.sql, nowMs))) return 0
  const outcome = await withLease(store, 'key-sweep', { ttlMs: leaseTtlMs }, async (signal, lease) => {
    let swept = 0
    for (const state of timedStates) {
      for (let chunk = -1; chunk !== 0 && !signal.aborted; swept += chunk)
        chunk = await sweepChunk(store, lease, state, nowMs)
    }
    return swept + (await sweepModels(store, lease, nowMs))
  })
  return outcome.held ? outcome.result : 0
}

async function isAnythingDue(sql: SqlRunner, nowMs: number): Promise<boolean> {
  for (const table of ['provider_keys', 'key_model_states']) {
    const rows = await sql.query(
      `SELECT 1 AS due FROM ${table} WHERE state IN (${placeholders(timedStates.length)}) AND until > 0 AND until <= ? LIMIT 1`,
      [...timedStates, nowMs],
    )
    if (rows.length > 0) return true
  }
  return false
}

async function sweepChunk(store: DatabaseHandle, lease: LeaseHold, state: KeyState, nowMs: number): Promise<number> {
  return store.write(async ({ sql }) => {
    await assertLease(sql, lease)
    const lock = sql.dialect === 'mysql' ? ' FOR UPDATE SKIP LOCKED' : ''
    const rows = await sql.query<{ id: number; group_id: number; cause: string }>(
      `SELECT id, group_id, cause FROM provider_keys WHERE state = ? AND until > 0 AND until <= ? LIMIT ${rowsPerChunk}${lock}`,
      [state, nowMs],
    )
    if (rows.length === 0) return 0
    await sql.execute(
      `UPDATE provider_keys SET state = 'active', until = 0, cause = '', updated_at = ? WHERE id IN (${placeholders(rows.length)})`,
      [nowMs, ...rows.map(({ id }) => id)],
    )
    const byGroup = [...Map.groupBy(rows, ({ group_id }) => group_id)].toSorted(([a], [b]) => a - b)
    for (const [groupId, keys] of byGroup) {
      const ended = keys.map(({ cause }) => [{ state, cause }, -1] as const)
      await adjustKeyCounts(sql, groupId, countChanges([...ended, [{ state: 'active', cause: '' }, keys.length]]))
    }
    return rows.length
  })
}

/** Deviations are few. Rewritten, not deleted: an edge that was away must be told that they ended (prune-change-log). */
async function sweepModels(store: DatabaseHandle, lease: LeaseHold, nowMs: number): Promise<number> {
  return store.write(async ({ sql }) => {
    await assertLease(sql, lease)
    return sql.execute(
      "UPDATE key_model_states SET state = 'active', until = 0, cause = '', updated_at = ? " +
        `WHERE state IN (${placeholders(timedStates.length)}) AND until > 0 AND until <= ?`,
      [nowMs, ...timedStates, nowMs],
    )
  })
}
