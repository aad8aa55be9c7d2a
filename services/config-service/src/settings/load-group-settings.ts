import { resolveSettings, type Settings } from '@gpt-load/contracts/settings'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { openGroupSettings, openSettingValue } from '@gpt-load/database/row-secrets'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import type { RecordContext } from '../truth/policy-records.ts'

/** Settings in force of groups: environment < system settings < group, as edges resolve them. Groups that are gone are left out. */
export async function loadGroupSettings(
  sql: SqlRunner,
  { keyring, environmentSettings }: Pick<RecordContext, 'keyring' | 'environmentSettings'>,
  groupIds: readonly number[],
): Promise<ReadonlyMap<number, Settings>> {
  if (groupIds.length === 0) return new Map()
  const system = await loadSystemSettings(sql, { keyring })
  const groups = await sql.query<{ id: number; settings: string }>(
    `SELECT id, settings FROM ${quoteName(sql, 'groups')} WHERE id IN (${placeholders(groupIds.length)})`,
    groupIds,
  )
  const settingsOf = (own: string): Settings =>
    resolveSettings(environmentSettings, system, openGroupSettings(keyring, own) as Partial<Settings>)
  return new Map(groups.map(({ id, settings }) => [id, settingsOf(settings)]))
}

/** What is stored for all groups. */
export async function loadSystemSettings(
  sql: SqlRunner,
  { keyring }: Pick<RecordContext, 'keyring'>,
): Promise<Partial<Settings>> {
  const stored = await sql.query<{ name: string; value: string }>('SELECT name, value FROM settings')
  return Object.fromEntries(stored.map(({ name, value }) => [name, openSettingValue(keyring, name, value)]))
}
