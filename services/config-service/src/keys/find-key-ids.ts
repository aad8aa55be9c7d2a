import { quoteName } from '@gpt-load/database/bulk-insert'
import { placeholders } from '@gpt-load/database/sql-runner'
import type { VerbContext } from '../verb.ts'
import { hashKeys } from './insert-keys.ts'

/** Which keys of a group somebody means, by their values or by ids. What the group does not hold is left out. */
const perQuery = 500

/** Value -> id. */
export async function findKeyIds(
  { store, keyring }: Pick<VerbContext, 'store' | 'keyring'>,
  groupId: number,
  values: readonly string[],
): Promise<Map<string, number>> {
  const hashed = await hashKeys(keyring, [...new Set(values)])
  const valueOf = new Map(hashed.map(({ key, hash }) => [textOf(hash), key]))
  const ids = new Map<string, number>()
  for (let start = 0; start < hashed.length; start += perQuery) {
    const some = hashed.slice(start, start + perQuery).map(({ hash }) => hash)
    const rows = await store.sql.query<{ id: number; hash: Buffer }>(
      `SELECT id, hash FROM provider_keys WHERE group_id = ? AND hash IN (${placeholders(some.length)})`,
      [groupId, ...some],
    )
    for (const { id, hash } of rows) ids.set(valueOf.get(textOf(hash))!, id)
  }
  return ids
}

/** Of one value, in every group that holds it: the index begins with the group. */
export async function findKeyIdsAnywhere(
  { store, keyring }: Pick<VerbContext, 'store' | 'keyring'>,
  value: string,
): Promise<number[]> {
  const { sql } = store
  const rows = await sql.query<{ id: number }>(
    `SELECT k.id FROM ${quoteName(sql, 'groups')} g JOIN provider_keys k ON k.group_id = g.id AND k.hash = ?`,
    [keyring.hashToken(value)],
  )
  return rows.map(({ id }) => id)
}

/** Those of the ids that are keys of the group. */
export async function keepKeyIds(
  { store }: Pick<VerbContext, 'store'>,
  groupId: number,
  ids: readonly number[],
): Promise<Set<number>> {
  const kept = new Set<number>()
  for (let start = 0; start < ids.length; start += perQuery) {
    const some = ids.slice(start, start + perQuery)
    const rows = await store.sql.query<{ id: number }>(
      `SELECT id FROM provider_keys WHERE group_id = ? AND id IN (${placeholders(some.length)})`,
      [groupId, ...some],
    )
    for (const { id } of rows) kept.add(id)
  }
  return kept
}

function textOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64')
}
