import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import type { SqlClient, SqlRow, SqlTransaction } from '@gpt-load/database/sql-client/sql-client'
import { decodeLogEvent } from '@gpt-load/transport/log-batch/decode-log-event'
import { upsertRows } from './insert-rows.ts'
import { refuseEvent } from './log-row.ts'
import { openRecords } from './open-records.ts'
import { createSourceAccounts, sourceAccount } from './source-accounts.ts'
import type { AccountChange } from './source-accounts.ts'
import { insertEvents, readKnownIdentities, storeFresh } from './store-records.ts'
import type { StoreTime } from './store-records.ts'
import { withRetries } from './with-retries.ts'

/**
 * Tries letters again that somebody asked for (state `replay`), one transaction each: a release may read what an earlier one
 * could not. Its state is compared and set first, so that instances share the work and none is stored twice.
 */
const lettersPerTurn = 50

export async function replayDeadLetters(sql: SqlClient, time: StoreTime): Promise<number> {
  const rows = await sql.read(
    `SELECT * FROM log_dead_letters WHERE state = 'replay' ORDER BY id LIMIT ${lettersPerTurn}`,
  )
  for (const row of rows) await withRetries(() => sql.transaction((transaction) => replay(transaction, row, time)))
  return rows.length
}

async function replay(transaction: SqlTransaction, row: SqlRow, time: StoreTime): Promise<void> {
  const taken = await transaction.execute(
    "UPDATE log_dead_letters SET state = 'replayed', settled_at = ? WHERE id = ? AND state = 'replay'",
    [time.nowMs, row['id'] ?? 0],
  )
  if (taken !== 1) return
  const refusal = await (row['kind'] === 'record' ? replayRecord : replayEvent)(transaction, row, time)
  if (refusal === null) return
  await transaction.execute("UPDATE log_dead_letters SET state = 'refused', reason = ? WHERE id = ?", [
    refusal.slice(0, 500).toWellFormed(),
    row['id'] ?? 0,
  ])
}

/** Answers why it is refused again, or null. */
async function replayRecord(transaction: SqlTransaction, row: SqlRow, time: StoreTime): Promise<string | null> {
  const named = identityOf(row)
  const record = {
    topic: String(row['topic']),
    partition: Number(row['partition_id']),
    offset: String(row['record_offset']),
    bytes: row['bytes'] as Uint8Array,
    timestampMs: 0,
    identity: null,
  }
  const { opened, poison } = openRecords([record])
  if (poison[0] !== undefined) return poison[0].reason
  const known = await readKnownIdentities(
    transaction,
    'log_batches',
    opened.map(({ identity }) => identity),
  )
  if (known.size === 0) await storeFresh(transaction, { fresh: opened, poison: [], ...time })
  // It was counted only where the record said beside its bytes whose it is.
  if (named.source !== '')
    await account(transaction, named, { committed: 0, sampledOut: 0, deadLettered: -named.count }, time)
  return null
}

async function replayEvent(transaction: SqlTransaction, row: SqlRow, time: StoreTime): Promise<string | null> {
  const bytes = row['bytes'] as Uint8Array
  const identity = identityOf(row)
  let reason: string | null
  let sampledOut = 0
  try {
    const event = decodeLogEvent(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    reason = refuseEvent(event)
    sampledOut = event.isSampledOut ? 1 : 0
    if (reason === null) await insertEvents(transaction, [{ identity, events: [event] }], time)
  } catch (error) {
    if ((error as Error).name !== 'MalformedMessage') throw error
    reason = (error as Error).message
  }
  if (reason === null)
    await account(transaction, identity, { committed: 1 - sampledOut, sampledOut, deadLettered: -1 }, time)
  return reason
}

async function account(
  transaction: SqlTransaction,
  identity: LogBatchIdentity,
  change: AccountChange,
  { nowMs }: StoreTime,
): Promise<void> {
  const accounts = createSourceAccounts(nowMs)
  accounts.add(identity, change)
  await upsertRows(transaction, sourceAccount, accounts.rows())
}

function identityOf(row: SqlRow): LogBatchIdentity {
  return {
    source: String(row['source']),
    edge: String(row['edge']),
    firstSequence: Number(row['first_sequence']),
    count: Number(row['event_count']),
  }
}
