import type { LogConsumerHandler, StreamRecord } from '@gpt-load/transport/log-stream'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import type { IngestMeter } from './ingest-meter.ts'
import { openRecords } from './open-records.ts'
import { storeRecords } from './store-records.ts'
import { splitBySize } from './split-by-size.ts'
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

/**
 * Events of one transaction. Sums are upserted once for each, whatever it holds: on MariaDB a row costs with 4,000 two thirds of what
 * it costs with 2,000, with 8,000 four fifths of that again, but then a transaction takes more than half a second. In SQLite 2,000
 * take 0.1 s, which nobody waits for but the end of the process: readers have their own connection.
 */
export const maxEventsPerTransaction = { mysql: 4_000, sqlite: 2_000 } as const

export function createLogStore({ sql, days, meter, nowMs, retentionDays }: LogStoreOptions): LogConsumerHandler {
  return createStreamHandler({
    sql,
    nowMs,
    split: (records) => splitBySize(records, { sizeOf: eventsIn, maxSize: maxEventsPerTransaction[sql.dialect] }),
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

/** As its sender counted; without that a guess (about 150 compressed bytes each). Parts need not be exact, only bounded. */
function eventsIn({ identity, bytes }: StreamRecord): number {
  return identity?.count ?? Math.max(1, Math.ceil(bytes.length / 150))
}
