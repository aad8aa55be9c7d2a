import { resolveSettings, type Settings } from '@gpt-load/contracts/settings'
import { quoteName } from '@gpt-load/database/bulk-insert'
import { openGroupSettings, openSettingValue } from '@gpt-load/database/row-secrets'
import { placeholders, type SqlRunner } from '@gpt-load/database/sql-runner'
import { keyPolicyOf, type KeyPolicy } from '@gpt-load/key-health/key-policy'
import type { RecordContext } from '../truth/policy-records.ts'

/** What decides about keys, per group: environment < system settings < group, as edges resolve it. */
export async function loadKeyPolicies(
  sql: SqlRunner,
  { keyring, environmentSettings }: RecordContext,
  groupIds: readonly number[],
): Promise<ReadonlyMap<number, KeyPolicy>> {
  if (groupIds.length === 0) return new Map()
  const stored = await sql.query<{ name: string; value: string }>('SELECT name, value FROM settings')
  const system = Object.fromEntries(
    stored.map(({ name, value }) => [name, openSettingValue(keyring, name, value)]),
  ) as Partial<Settings>
  const groups = await sql.query<{ id: number; settings: string }>(
    `SELECT id, settings FROM ${quoteName(sql, 'groups')} WHERE id IN (${placeholders(groupIds.length)})`,
    groupIds,
  )
  const policyOf = (settings: string) =>
    keyPolicyOf(resolveSettings(environmentSettings, system, openGroupSettings(keyring, settings) as Partial<Settings>))
  return new Map(groups.map(({ id, settings }) => [id, policyOf(settings)]))
}
