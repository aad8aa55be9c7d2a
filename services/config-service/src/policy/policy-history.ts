import { policyEntities, policyHistoryDays, type PolicyEntity } from '@gpt-load/contracts/policy-entities'
import { bulkInsert, quoteName } from '@gpt-load/database/bulk-insert'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import { lockRows } from '../lock-rows.ts'
import { readPolicies } from './policy-state.ts'

/**
 * What policies were after each revision that changed them, written in the transaction of the change. It begins when an
 * installation first knows it (`beginPolicyHistory`) and reaches 90 days back; `floor` is the oldest revision that can be told.
 */
const floorEntity = 'floor'
const idsPerQuery = 1_000
const retentionMs = policyHistoryDays * 86_400_000

export type TouchedPolicy = { entity: PolicyEntity; id: number; state: string }

const tables = { group: 'groups', access_key: 'access_keys' } as const

/**
 * The policies that a transaction has touched, as it leaves them. Read before it has a revision, so that the counter is held for one
 * insert only; locked, so that nobody else's change comes between.
 */
export async function readTouchedPolicies(
  sql: SqlRunner,
  touched: ReadonlyMap<string, ReadonlySet<number>>,
): Promise<TouchedPolicy[]> {
  const policies: TouchedPolicy[] = []
  for (const entity of policyEntities) {
    const ids = [...(touched.get(entity) ?? [])]
    if (ids.length === 0) continue
    if (entity !== 'setting') await lockRows(sql, tables[entity], ids)
    const states = await readPolicies(sql, entity, ids)
    for (const id of ids) {
      const state = states.get(id)
      policies.push({ entity, id, state: state === undefined ? '' : JSON.stringify(state) })
    }
  }
  return policies
}

export async function recordPolicies(
  sql: SqlRunner,
  policies: readonly TouchedPolicy[],
  revision: number,
  nowMs: number,
): Promise<void> {
  await bulkInsert(sql, {
    table: 'policy_history',
    columns: ['entity', 'entity_id', 'revision', 'state', 'created_at'],
    rows: policies.map(({ entity, id, state }) => [entity, id, revision, state, nowMs]),
    ignoreDuplicates: true,
  })
}

/** Once per installation: the state that it had when this history began. */
export async function beginPolicyHistory(store: DatabaseHandle, nowMs: number): Promise<void> {
  await store.write(async ({ sql }) => {
    // Changes of policies wait for this row at their end, so that none falls between the state and its revision.
    await sql.execute('UPDATE revision_counter SET value = value WHERE id = 1')
    if ((await policyFloor(sql)) !== null) return
    const [counter] = await sql.query<{ value: number }>('SELECT value FROM revision_counter WHERE id = 1')
    const revision = counter?.value ?? 0
    const all = async (table: string): Promise<number[]> =>
      (await sql.query<{ id: number }>(`SELECT id FROM ${quoteName(sql, table)}`)).map(({ id }) => id)
    const touched = new Map([
      ['setting', new Set([0])],
      ['group', new Set(await all('groups'))],
      ['access_key', new Set(await all('access_keys'))],
    ])
    await recordPolicies(sql, await readTouchedPolicies(sql, touched), revision, nowMs)
    await setFloor(sql, revision, nowMs)
  })
}

/** Null before the history has begun. */
export async function policyFloor(sql: SqlRunner): Promise<number | null> {
  const [row] = await sql.query<{ revision: number | null }>(
    'SELECT MAX(revision) AS revision FROM policy_history WHERE entity = ?',
    [floorEntity],
  )
  return row?.revision ?? null
}

/** 0 = none yet. */
export async function policyRevision(sql: SqlRunner): Promise<number> {
  const [row] = await sql.query<{ revision: number | null }>(
    'SELECT MAX(revision) AS revision FROM policy_history WHERE entity <> ?',
    [floorEntity],
  )
  return row?.revision ?? 0
}

async function setFloor(sql: SqlRunner, revision: number, nowMs: number): Promise<void> {
  await sql.execute('DELETE FROM policy_history WHERE entity = ?', [floorEntity])
  await sql.execute(
    "INSERT INTO policy_history (entity, entity_id, revision, state, created_at) VALUES (?, 0, ?, '', ?)",
    [floorEntity, revision, nowMs],
  )
}

/** Of each entity the last state before the cut stays: it is what it was at the cut. */
export async function pruneHistory(store: DatabaseHandle, nowMs: number, signal: AbortSignal): Promise<void> {
  const [cut] = await store.sql.query<{ revision: number | null }>(
    'SELECT MAX(revision) AS revision FROM policy_history WHERE entity <> ? AND created_at < ?',
    [floorEntity, nowMs - retentionMs],
  )
  const floor = await policyFloor(store.sql)
  if (cut?.revision == null || floor === null || cut.revision <= floor) return
  const revision = cut.revision
  await store.write(({ sql }) => setFloor(sql, revision, nowMs))
  while (!signal.aborted && (await removeSuperseded(store, revision)) > 0);
}

async function removeSuperseded(store: DatabaseHandle, revision: number): Promise<number> {
  const rows = await store.sql.query<{ id: number }>(
    `SELECT h.id FROM policy_history h WHERE h.revision < ? AND h.entity <> ? AND EXISTS (
       SELECT 1 FROM policy_history n WHERE n.entity = h.entity AND n.entity_id = h.entity_id
         AND n.revision > h.revision AND n.revision <= ?) ORDER BY h.revision LIMIT ${idsPerQuery}`,
    [revision, floorEntity, revision],
  )
  if (rows.length === 0) return 0
  return store.write(({ sql }) =>
    sql.execute(
      `DELETE FROM policy_history WHERE id IN (${placeholders(rows.length)})`,
      rows.map(({ id }) => id),
    ),
  )
}
