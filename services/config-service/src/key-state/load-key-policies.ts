import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { keyPolicyOf, type KeyPolicy } from '@gpt-load/key-health/key-policy'
import { loadGroupSettings } from '../settings/load-group-settings.ts'
import type { RecordContext } from '../truth/policy-records.ts'

/** What decides about keys, per group. */
export async function loadKeyPolicies(
  sql: SqlRunner,
  context: RecordContext,
  groupIds: readonly number[],
): Promise<ReadonlyMap<number, KeyPolicy>> {
  const settings = await loadGroupSettings(sql, context, groupIds)
  return new Map([...settings].map(([id, resolved]) => [id, keyPolicyOf(resolved)]))
}
