import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import { upsertStatement } from '@gpt-load/database/sql-client/sql-statements'
import type { LogConsumer } from '@gpt-load/transport/log-stream'

/** Writes down how far the stream reaches in the partitions of this instance, so that others can tell late from lost. */
export async function storeStreamPositions(
  sql: SqlClient,
  consumer: Pick<LogConsumer, 'highWatermarks'>,
  nowMs: number,
): Promise<void> {
  const rows = [...consumer.highWatermarks()].map(([place, high]) => {
    const at = place.lastIndexOf('/')
    return [place.slice(0, at), Number(place.slice(at + 1)), Number(high), nowMs]
  })
  if (rows.length === 0) return
  const upsert = {
    table: 'log_positions',
    columns: ['topic', 'partition_id', 'high_watermark', 'seen_at'],
    key: ['topic', 'partition_id'],
    add: [],
    max: ['high_watermark', 'seen_at'],
  }
  await sql.execute(upsertStatement(sql.dialect, upsert, rows.length), rows.flat())
}
