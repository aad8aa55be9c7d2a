import type { DatabaseHandle } from '@gpt-load/database/database-handle'

export async function removeExpiredSessions(store: Pick<DatabaseHandle, 'sql'>, nowMs: number): Promise<number> {
  return store.sql.execute('DELETE FROM sessions WHERE expires_at <= ?', [nowMs])
}
