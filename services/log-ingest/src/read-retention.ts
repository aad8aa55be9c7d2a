import { settingsRegistry } from '@gpt-load/contracts/settings'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'

/** How long rows and recorded bodies are kept, in days; 0 = for ever. */
export type LogRetention = { rowDays: number; contentDays: number }

export const defaultRetention: LogRetention = {
  rowDays: settingsRegistry.request_log_retention_days.default,
  contentDays: settingsRegistry.content_log_retention_days.default,
}

/** The settings as the operator has them, else their defaults. The table may be older than we are, or not there yet. */
export async function readRetention(database: DatabaseHandle): Promise<LogRetention> {
  return {
    rowDays: (await readDays(database, 'request_log_retention_days')) ?? defaultRetention.rowDays,
    contentDays: (await readDays(database, 'content_log_retention_days')) ?? defaultRetention.contentDays,
  }
}

async function readDays(
  { database }: DatabaseHandle,
  name: 'request_log_retention_days' | 'content_log_retention_days',
): Promise<number | null> {
  const row = await database.setting.findUnique({ where: { name } }).catch(() => null)
  const value: unknown = row === null ? null : JSON.parse(row.value)
  return typeof value === 'number' ? value : null
}
