import type { LogConsumerHandler, StreamPartition, StreamRecord } from '@gpt-load/transport/log-stream'
import { SeekRequired } from '@gpt-load/transport/log-stream'
import { placeKey } from '@gpt-load/transport/place-key'
import { sqlFailureOf } from '@gpt-load/database/sql-client/sql-client'
import type { SqlClient, SqlTransaction } from '@gpt-load/database/sql-client/sql-client'

/**
 * A handler whose place in the stream is a row of log_offsets: it is compared and set in the transaction that stores what stands
 * before it, so that nothing is lost or doubled whoever dies when, and a consumer that lost its partition unawares stores
 * nothing. Offsets are never committed to Kafka.
 */
export type OffsetStep = {
  place: StreamPartition
  /** The offset that this instance believes to be stored. */
  position: string
  nextOffset: string
  nowMs: number
}

export type StreamHandlerOptions = {
  sql: SqlClient
  nowMs(): number
  /** Into what one transaction takes. */
  split(records: readonly StreamRecord[]): Iterable<StreamRecord[]>
  /** Stores them and calls `advanceOffset`, in one transaction. */
  store(step: OffsetStep, records: readonly StreamRecord[]): Promise<void>
}

export function createStreamHandler({ sql, nowMs, split, store }: StreamHandlerOptions): LogConsumerHandler {
  const positions = new Map<string, string>()

  async function storePart(place: StreamPartition, records: readonly StreamRecord[]): Promise<void> {
    const position = positions.get(placeKey(place))
    if (position === undefined) throw new SeekRequired('the partition is not assigned here any more')
    const nextOffset = String(BigInt(records.at(-1)?.offset ?? position) + 1n)
    await store({ place, position, nextOffset, nowMs: nowMs() }, records)
    positions.set(placeKey(place), nextOffset)
  }

  return {
    async startOffset(place) {
      const offset = await readOffset(sql, place, nowMs())
      positions.set(placeKey(place), offset)
      return offset === '0' ? null : offset
    },
    async handle(place, records) {
      const position = BigInt(positions.get(placeKey(place)) ?? '0')
      const ahead = records.filter(({ offset }) => BigInt(offset) >= position)
      for (const part of split(ahead)) await storePart(place, part)
    },
    onRevoked(place) {
      positions.delete(placeKey(place))
    },
  }
}

export async function advanceOffset(
  transaction: SqlTransaction,
  { place, position, nextOffset, nowMs }: OffsetStep,
): Promise<void> {
  const changed = await transaction.execute(
    'UPDATE log_offsets SET next_offset = ?, updated_at = ? WHERE topic = ? AND partition_id = ? AND next_offset = ?',
    [nextOffset, nowMs, place.topic, place.partition, position],
  )
  if (changed !== 1) throw new SeekRequired(`another instance has moved ${place.topic}/${place.partition}`)
}

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
