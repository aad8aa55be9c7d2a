import { resolveSettings } from '@gpt-load/contracts/settings'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { removeInChunks } from '../remove-in-chunks.ts'
import { loadSystemSettings } from '../settings/load-group-settings.ts'
import type { RecordContext } from '../truth/policy-records.ts'

const dayMs = 86_400_000

/** Rows past `audit_retention_days`; 0 keeps all. */
export async function removeOldAudit(
  store: DatabaseHandle,
  context: Pick<RecordContext, 'keyring' | 'environmentSettings'>,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  const { audit_retention_days: days } = resolveSettings(
    context.environmentSettings,
    await loadSystemSettings(store.sql, context),
    {},
  )
  if (days === 0) return 0
  return removeInChunks(store, { table: 'audit_log', key: 'id', time: 'at', beforeMs: nowMs - days * dayMs }, signal)
}
