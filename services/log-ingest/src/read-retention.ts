import { settingsRegistry } from '@gpt-load/contracts/settings'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'

/** The setting as the operator has it, else its default. The table may be older than we are, or not there yet. */
export async function readRetentionDays(database: DatabaseHandle): Promise<number> {
  const fallback = settingsRegistry.request_log_retention_days.default
  const row = await database.database.setting
    .findUnique({ where: { name: 'request_log_retention_days' } })
    .catch(() => null)
  const value: unknown = row === null ? fallback : JSON.parse(row.value)
  return typeof value === 'number' ? value : fallback
}
