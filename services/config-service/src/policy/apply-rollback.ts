import { bulkInsert, quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import { ApiProblem } from '../http/api-problem.ts'
import { lockRows } from '../lock-rows.ts'
import { touchAccessKeys, touchGroups } from '../touch-entities.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { withoutEnabling, type PlannedChange } from './plan-rollback.ts'
import {
  accessKeyColumns,
  groupColumns,
  type AccessKeyState,
  type GroupState,
  type PolicyState,
  type SettingState,
} from './policy-state.ts'

/**
 * Writes a planned rollback, all of it in the caller's transaction: one revision. Groups come back before whatever names them;
 * what names a group that is not there is left out.
 */
export async function applyRollback(tx: ChangeTransaction, changes: readonly PlannedChange[]): Promise<void> {
  const of = (entity: PlannedChange['entity']) => changes.filter((change) => change.entity === entity)
  const groups = of('group')
  await lockRows(
    tx.sql,
    'groups',
    groups.map(({ entity_id }) => entity_id),
  )
  for (const { target } of of('setting')) await restoreSettings(tx, target as SettingState[])
  const restored = groups.filter(({ action }) => action !== 'disable')
  await freeNames(tx.sql, restored)
  for (const change of restored) await restoreGroup(tx, change)
  const present = new Set(await idsOf(tx.sql, 'groups'))
  for (const { entity_id: id, target } of restored) await restoreMembers(tx.sql, id, target as GroupState, present)
  for (const change of of('access_key')) await restoreAccessKey(tx, change, present)
  for (const { entity_id: id } of groups.filter(({ action }) => action === 'disable')) {
    await tx.sql.execute(`UPDATE ${quoteName(tx.sql, 'groups')} SET enabled = ?, updated_at = ? WHERE id = ?`, [
      false,
      tx.nowMs,
      id,
    ])
    touchGroups(tx, [id])
  }
}

async function restoreSettings(tx: ChangeTransaction, settings: readonly SettingState[]): Promise<void> {
  await tx.sql.execute('DELETE FROM settings')
  await bulkInsert(tx.sql, {
    table: 'settings',
    columns: ['name', 'value', 'source', 'managed_by', 'revision', 'updated_at'],
    rows: settings.map(({ name, value, source, managed_by }) => [name, value, source, managed_by, 0, tx.nowMs]),
  })
  tx.touch('setting', [0])
  tx.stamp(
    'settings',
    settings.map(({ name }) => name),
  )
}

/** Two groups may have changed names: each lets go of its own first. */
async function freeNames(sql: SqlRunner, changes: readonly PlannedChange[]): Promise<void> {
  for (const { entity_id: id, current } of changes)
    if (current !== null)
      await sql.execute(`UPDATE ${quoteName(sql, 'groups')} SET name = ? WHERE id = ?`, [`~${id}`, id])
  const names = changes.map(({ target }) => String((target as GroupState).name))
  if (names.length === 0) return
  const [taken] = await sql.query<{ name: string }>(
    `SELECT name FROM ${quoteName(sql, 'groups')} WHERE name IN (${placeholders(names.length)})`,
    names,
  )
  if (taken !== undefined)
    throw new ApiProblem('conflict', `Another group is called "${taken.name}" now: rename it first.`)
}

async function restoreGroup(tx: ChangeTransaction, { entity_id: id, target, current }: PlannedChange): Promise<void> {
  const { sql } = tx
  const group = target as GroupState
  const values = groupColumns.map((column) => group[column])
  const groups = quoteName(sql, 'groups')
  if (current === null) {
    await requireNoKeys(sql, id)
    await sql.execute(
      `INSERT INTO ${groups} (id, ${groupColumns.join(', ')}, revision, created_at, updated_at)
       VALUES (${placeholders(groupColumns.length + 4)})`,
      [id, ...values, 0, tx.nowMs, tx.nowMs],
    )
  } else {
    const set = groupColumns.map((column) => `${column} = ?`).join(', ')
    await sql.execute(`UPDATE ${groups} SET ${set}, updated_at = ? WHERE id = ?`, [...values, tx.nowMs, id])
  }
  await sql.execute('DELETE FROM upstreams WHERE group_id = ?', [id])
  await bulkInsert(sql, {
    table: 'upstreams',
    columns: ['id', 'group_id', 'position', 'url', 'weight'],
    rows: group.upstreams.map((one) => [one.id, id, one.position, one.url, one.weight]),
  })
  touchGroups(tx, [id])
}

/** Keys of a deleted group go soon after it; they must not come to life again half-way. */
async function requireNoKeys(sql: SqlRunner, groupId: number): Promise<void> {
  const found = await sql.query('SELECT id FROM provider_keys WHERE group_id = ? LIMIT 1', [groupId])
  if (found.length > 0)
    throw new ApiProblem('conflict', 'Keys of a group that was deleted are still being removed: try again soon.')
}

async function restoreMembers(
  sql: SqlRunner,
  groupId: number,
  { members }: GroupState,
  present: ReadonlySet<number>,
): Promise<void> {
  await sql.execute('DELETE FROM aggregate_members WHERE group_id = ?', [groupId])
  await bulkInsert(sql, {
    table: 'aggregate_members',
    columns: ['group_id', 'member_id', 'weight', 'position'],
    rows: members
      .filter(({ member_id }) => present.has(member_id))
      .map(({ member_id, weight, position }) => [groupId, member_id, weight, position]),
  })
}

async function restoreAccessKey(
  tx: ChangeTransaction,
  { entity_id: id, action, target, current }: PlannedChange,
  present: ReadonlySet<number>,
): Promise<void> {
  if (action === 'keep' || current === null) return
  const { sql } = tx
  touchAccessKeys(tx, [id])
  if (action === 'disable' || target === null) {
    await sql.execute('UPDATE access_keys SET enabled = ?, updated_at = ? WHERE id = ?', [false, tx.nowMs, id])
    return
  }
  const key = withoutEnabling(target as PolicyState, current) as AccessKeyState
  const values = accessKeyColumns.map((column) =>
    column === 'default_group_id' && !present.has(Number(key[column])) ? null : key[column],
  )
  const set = accessKeyColumns.map((column) => `${column} = ?`).join(', ')
  await sql.execute(`UPDATE access_keys SET ${set}, updated_at = ? WHERE id = ?`, [...values, tx.nowMs, id])
  await sql.execute('DELETE FROM access_key_groups WHERE access_key_id = ?', [id])
  await bulkInsert(sql, {
    table: 'access_key_groups',
    columns: ['access_key_id', 'group_id'],
    rows: key.group_ids.filter((group) => present.has(group)).map((group) => [id, group]),
  })
}

async function idsOf(sql: SqlRunner, table: string): Promise<number[]> {
  return (await sql.query<{ id: number }>(`SELECT id FROM ${quoteName(sql, table)}`)).map(({ id }) => id)
}
