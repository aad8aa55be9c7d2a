import { openLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import type { StreamPartition, StreamRecord } from '@gpt-load/transport/log-stream'
import { SeekRequired } from '@gpt-load/transport/log-stream'
import type { LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import type { SqlClient, SqlTransaction, SqlValue } from '@gpt-load/database/sql-client/sql-client'
import { insertStatement, rowsPerStatement, upsertStatement } from '@gpt-load/database/sql-client/sql-statements'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'
import {
  attemptColumns,
  attemptRows,
  failureColumns,
  failureRow,
  isFailure,
  refuseEvent,
  requestColumns,
  requestRow,
} from './log-row.ts'
import type { RowContext } from './log-row.ts'
import { createRollupSums, keyRollup, latencyRollup, requestRollup } from './rollup-sums.ts'

/**
 * Stores records of one partition in one transaction: offset (compared and set), batch identities, rows, rollups. Either
 * all of it is there or nothing. The compare-and-set stops a zombie consumer; the identities stop a producer's resend.
 */
export type OpenedRecord = { record: StreamRecord; identity: LogBatchIdentity; events: LogEvent[]; rejects: number }
export type RejectedPart = { record: StreamRecord; reason: string; bytes: Uint8Array }

/** Splits records into what can be stored and what goes to the dead letters: a whole record, or one event alone. */
export function openRecords(records: readonly StreamRecord[]): { opened: OpenedRecord[]; rejected: RejectedPart[] } {
  const opened: OpenedRecord[] = []
  const rejected: RejectedPart[] = []
  for (const record of records) {
    const batch = openLogBatch(record.bytes)
    if ('poison' in batch) {
      rejected.push({ record, reason: batch.poison, bytes: record.bytes })
      continue
    }
    const events: LogEvent[] = []
    for (const entry of batch.events) {
      const reason = entry.ok ? refuseEvent(entry.event) : entry.reason
      if (entry.ok && reason === null) events.push(entry.event)
      else rejected.push({ record, reason: reason ?? 'unreadable', bytes: entry.ok ? record.bytes : entry.bytes })
    }
    opened.push({ record, identity: batch.identity, events, rejects: batch.events.length - events.length })
  }
  return { opened, rejected }
}

export type StoreOutcome = { rows: number; resentBatches: number }

export async function storeRecords(
  sql: SqlClient,
  input: {
    place: StreamPartition
    /** The offset that this instance believes to be stored. */
    position: string
    nextOffset: string
    opened: readonly OpenedRecord[]
    storedOn: number
    nowMs: number
    retentionMs: number
  },
): Promise<StoreOutcome> {
  return sql.transaction(async (transaction) => {
    await advanceOffset(transaction, input)
    const known = await readKnownIdentities(transaction, input.opened)
    const fresh: OpenedRecord[] = []
    for (const entry of input.opened) {
      const key = identityKey(entry.identity)
      if (known.has(key)) continue
      known.add(key)
      fresh.push(entry)
    }
    await insertIdentities(transaction, fresh, input.nowMs)
    const rows = await insertEvents(transaction, fresh, input)
    return { rows, resentBatches: input.opened.length - fresh.length }
  })
}

async function advanceOffset(
  transaction: SqlTransaction,
  {
    place,
    position,
    nextOffset,
    nowMs,
  }: { place: StreamPartition; position: string; nextOffset: string; nowMs: number },
): Promise<void> {
  const changed = await transaction.execute(
    'UPDATE log_offsets SET next_offset = ?, updated_at = ? WHERE topic = ? AND partition_id = ? AND next_offset = ?',
    [nextOffset, nowMs, place.topic, place.partition, position],
  )
  if (changed !== 1) throw new SeekRequired(`another instance has moved ${place.topic}/${place.partition}`)
}

const identityKey = ({ source, firstSequence }: LogBatchIdentity) => `${source}:${firstSequence}`

async function readKnownIdentities(transaction: SqlTransaction, opened: readonly OpenedRecord[]): Promise<Set<string>> {
  const known = new Set<string>()
  for (const part of chunks(opened, 500)) {
    const places = part.map(() => '(source = ? AND first_sequence = ?)').join(' OR ')
    const values = part.flatMap(({ identity }) => [identity.source, identity.firstSequence])
    const rows = await transaction.read(`SELECT source, first_sequence FROM log_batches WHERE ${places}`, values)
    for (const row of rows) known.add(`${row['source']}:${row['first_sequence']}`)
  }
  return known
}

/** Fails as `duplicate` when another partition's transaction stored the same batch meanwhile: the caller repeats. */
async function insertIdentities(
  transaction: SqlTransaction,
  fresh: readonly OpenedRecord[],
  nowMs: number,
): Promise<void> {
  const columns = ['source', 'first_sequence', 'event_count', 'dead_lettered', 'edge', 'committed_at']
  const rows = fresh.map(({ identity, rejects }) => [
    identity.source,
    identity.firstSequence,
    identity.count,
    rejects,
    identity.edge,
    nowMs,
  ])
  await insertRows(transaction, 'log_batches', columns, rows)
}

async function insertEvents(
  transaction: SqlTransaction,
  fresh: readonly OpenedRecord[],
  { storedOn, nowMs, retentionMs }: { storedOn: number; nowMs: number; retentionMs: number },
): Promise<number> {
  const requests: SqlValue[][] = []
  const attempts: SqlValue[][] = []
  const failures: SqlValue[][] = []
  const sums = createRollupSums()
  for (const { identity, events } of fresh) {
    const context: RowContext = { storedOn, nowMs, retentionMs, identity }
    for (const event of events) {
      requests.push(requestRow(event, context))
      if (event.attempts.length > 1) attempts.push(...attemptRows(event, context))
      if (isFailure(event)) failures.push(failureRow(event, context))
      sums.add(event)
    }
  }
  await insertRows(transaction, 'request_logs', requestColumns, requests)
  await insertRows(transaction, 'request_attempts', attemptColumns, attempts)
  await insertRows(transaction, 'failed_requests', failureColumns, failures)
  const rollups = sums.rows()
  await upsertRows(transaction, requestRollup, rollups.requests)
  await upsertRows(transaction, latencyRollup, rollups.latencies)
  await upsertRows(transaction, keyRollup, rollups.keys)
  return requests.length
}

async function insertRows(
  transaction: SqlTransaction,
  table: string,
  columns: readonly string[],
  rows: readonly SqlValue[][],
): Promise<void> {
  for (const part of chunks(rows, rowsPerStatement(columns.length)))
    await transaction.execute(insertStatement(table, columns, part.length), part.flat())
}

async function upsertRows(transaction: SqlTransaction, upsert: Upsert, rows: readonly SqlValue[][]): Promise<void> {
  for (const part of chunks(rows, rowsPerStatement(upsert.columns.length)))
    await transaction.execute(upsertStatement(transaction.dialect, upsert, part.length), part.flat())
}

function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
