import type { LogConsumerHandler, StreamRecord } from '@gpt-load/transport/log-stream'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import type { IngestMeter } from './ingest-meter.ts'
import { openRecords } from './open-records.ts'
import { storeRecords } from './store-records.ts'
import { dayMs, dayOf } from './stored-days.ts'
import type { StoredDays } from './stored-days.ts'
import { createStreamHandler } from './stream-handler.ts'
import { withRetries } from './with-retries.ts'

/**
 * source -> decode -> batch -> store, for each partition that this instance holds. It knows neither Kafka nor MySQL: the
 * consumer and the SQL client are ports.
 */
export type LogStoreOptions = {
  sql: SqlClient
  days: StoredDays
  meter: IngestMeter
  nowMs(): number
  /** 0 = rows are kept for ever. Read at each transaction: the setting changes while we run. */
  retentionDays(): number
}

/** Events of one transaction: SQLite stays under 50 ms with it, MySQL gets its multi-row inserts. */
const maxEventsPerTransaction = 2_000

export function createLogStore({ sql, days, meter, nowMs, retentionDays }: LogStoreOptions): LogConsumerHandler {
  return createStreamHandler({
    sql,
    nowMs,
    split: splitRecords,
    async store(step, records) {
      const startedAt = performance.now()
      const storedOn = dayOf(step.nowMs)
      await days.ensure(storedOn)
      const input = { ...step, storedOn, retentionMs: retentionDays() * dayMs, ...openRecords(records) }
      const outcome = await withRetries(() => storeRecords(sql, input))
      const { nextOffset, nowMs: at } = step
      meter.committed(step.place, { ...outcome, nextOffset, durationMs: performance.now() - startedAt, nowMs: at })
    },
  })
}

/** By a guess of the events inside (about 150 compressed bytes each): chunks need not be exact, only bounded. */
function* splitRecords(records: readonly StreamRecord[]): Generator<StreamRecord[]> {
  let part: StreamRecord[] = []
  let events = 0
  for (const record of records) {
    const guess = Math.max(1, Math.ceil(record.bytes.length / 150))
    if (part.length > 0 && events + guess > maxEventsPerTransaction) {
      yield part
      part = []
      events = 0
    }
    part.push(record)
    events += guess
  }
  if (part.length > 0) yield part
}
