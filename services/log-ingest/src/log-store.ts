import type { LogConsumerHandler, StreamPartition, StreamRecord } from '@gpt-load/transport/log-stream'
import { SeekRequired } from '@gpt-load/transport/log-stream'
import { sqlFailureOf } from '@gpt-load/database/sql-client/sql-client'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import type { IngestMeter } from './ingest-meter.ts'
import { openRecords } from './open-records.ts'
import { storeRecords } from './store-records.ts'
import { dayMs, dayOf } from './stored-days.ts'
import type { StoredDays } from './stored-days.ts'
import { withRetries } from './with-retries.ts'

/**
 * source -> decode -> batch -> store, for each partition that this instance holds. Keeps the invariant that an offset is
 * stored in the same transaction as the rows before it, so that nothing is lost or doubled whoever dies when. It never
 * commits offsets to Kafka and knows neither Kafka nor MySQL: the consumer and the SQL client are ports.
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

export function createLogStore(options: LogStoreOptions): LogConsumerHandler {
  const { sql, days, meter } = options
  const positions = new Map<string, string>()

  async function storeChunk(place: StreamPartition, records: readonly StreamRecord[]): Promise<void> {
    const startedAt = performance.now()
    const nowMs = options.nowMs()
    const storedOn = dayOf(nowMs)
    await days.ensure(storedOn)
    const position = positions.get(placeKey(place))
    if (position === undefined) throw new SeekRequired('the partition is not assigned here any more')
    const nextOffset = String(BigInt(records.at(-1)?.offset ?? position) + 1n)
    const retentionMs = options.retentionDays() * dayMs
    const input = { place, position, nextOffset, storedOn, nowMs, retentionMs, ...openRecords(records) }
    const outcome = await withRetries(() => storeRecords(sql, input))
    positions.set(placeKey(place), nextOffset)
    meter.committed(place, { ...outcome, nextOffset, durationMs: performance.now() - startedAt, nowMs })
  }

  return {
    async startOffset(place) {
      const offset = await readOffset(sql, place, options.nowMs())
      positions.set(placeKey(place), offset)
      return offset === '0' ? null : offset
    },
    async handle(place, records) {
      const position = BigInt(positions.get(placeKey(place)) ?? '0')
      const ahead = records.filter(({ offset }) => BigInt(offset) >= position)
      for (const part of splitRecords(ahead)) await storeChunk(place, part)
    },
    onRevoked(place) {
      positions.delete(placeKey(place))
    },
  }
}

const placeKey = ({ topic, partition }: StreamPartition) => `${topic}/${partition}`

async function readOffset(sql: SqlClient, place: StreamPartition, nowMs: number): Promise<string> {
  const read = () =>
    sql.read('SELECT next_offset FROM log_offsets WHERE topic = ? AND partition_id = ?', [place.topic, place.partition])
  const [row] = await read()
  if (row !== undefined) return String(row['next_offset'])
  const insert = 'INSERT INTO log_offsets (topic, partition_id, next_offset, updated_at) VALUES (?, ?, 0, ?)'
  await sql.execute(insert, [place.topic, place.partition, nowMs]).catch((error: unknown) => {
    if (sqlFailureOf(error) !== 'duplicate') throw error
  })
  const [made] = await read()
  return String(made?.['next_offset'] ?? 0)
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
