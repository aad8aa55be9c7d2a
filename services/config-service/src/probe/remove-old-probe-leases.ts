import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { databaseNowMs } from '@gpt-load/database/sql-runner'
import { probeLeasePattern } from './probe-lease.ts'

/** Groups come and go: what nobody holds goes, and is made anew when it is wanted. Held ones end in the future. */
const unusedMs = 86_400_000

export async function removeOldProbeLeases({ sql }: DatabaseHandle): Promise<number> {
  return sql.execute(
    `DELETE FROM leases WHERE job LIKE ? AND expires_at < ${databaseNowMs(sql.dialect)} - ${unusedMs}`,
    [probeLeasePattern],
  )
}
