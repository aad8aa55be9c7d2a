import type { LogBatchIdentity } from '@gpt-load/contracts/log-event'
import type { SqlClient, SqlTransaction, SqlValue } from '@gpt-load/database/sql-client/sql-client'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'
import { eventLetterRows, letterColumns, poisonRow } from './dead-letters.ts'
import { chunks, insertRows, upsertRows } from './insert-rows.ts'
import {
  attemptColumns,
  attemptRows,
  failureColumns,
  failureRow,
  isFailure,
  requestColumns,
  requestRow,
} from './log-row.ts'
import type { RowContext } from './log-row.ts'
import { mergeLatencies } from './merge-latencies.ts'
import type { OpenedRecord, PoisonRecord } from './open-records.ts'
import { createRequestShapes } from './request-shapes.ts'
import { createRollupSums, errorRollup, keyRollup, modelRollup, requestRollup } from './rollup-sums.ts'
import { createSourceAccounts, sourceAccount } from './source-accounts.ts'
import { advanceOffset, type OffsetStep } from './stream-handler.ts'

/**
 * Stores records of one partition in one transaction: offset (compared and set), batch identities, rows, rollups, dead
 * letters, accounts. Either all of it is there or nothing. The compare-and-set stops a zombie consumer; the identities stop
 * a producer's resend.
 */
export type StoreTime = Pick<RowContext, 'storedOn' | 'nowMs' | 'retentionMs'>
export type StoreOutcome = { rows: number; resentBatches: number; deadLetters: number }

export async function storeRecords(
  sql: SqlClient,
  input: StoreTime &
    OffsetStep & {
      opened: readonly OpenedRecord[]
      poison: readonly PoisonRecord[]
    },
): Promise<StoreOutcome> {
  return sql.transaction(async (transaction) => {
    await advanceOffset(transaction, input)
    const { opened, poison } = input
    const named = poison.flatMap(({ identity }) => identity ?? [])
    const known = await readKnownIdentities(transaction, 'log_batches', [...opened.map(identityOf), ...named])
    const lettered = await readKnownIdentities(transaction, 'log_dead_letters', named)
    const fresh = opened.filter(({ identity }) => isNew(identity, known))
    const freshPoison = poison.filter(
      ({ identity }) => identity === null || (!known.has(identityKey(identity)) && isNew(identity, lettered)),
    )
    const stored = await storeFresh(transaction, { ...input, fresh, poison: freshPoison })
    return { ...stored, resentBatches: opened.length - fresh.length }
  })
}

/** What nobody has stored yet. */
export async function storeFresh(
  transaction: SqlTransaction,
  { fresh, poison, ...time }: StoreTime & { fresh: readonly OpenedRecord[]; poison: readonly PoisonRecord[] },
): Promise<Omit<StoreOutcome, 'resentBatches'>> {
  const { nowMs } = time
  await insertIdentities(transaction, fresh, nowMs)
  const rows = await insertEvents(transaction, fresh, time)
  const letters = [
    ...fresh.flatMap((entry) => eventLetterRows(entry, nowMs)),
    ...poison.map((entry) => poisonRow(entry, nowMs)),
  ]
  await insertRows(transaction, 'log_dead_letters', letterColumns, letters)
  const accounts = createSourceAccounts(nowMs)
  for (const { identity, events, sampledOut, letters: lost } of fresh)
    accounts.add(identity, { committed: events.length - sampledOut, sampledOut, deadLettered: lost.length })
  for (const { identity } of poison)
    if (identity !== null) accounts.add(identity, { committed: 0, sampledOut: 0, deadLettered: identity.count })
  await upsertRows(transaction, sourceAccount, accounts.rows())
  return { rows, deadLetters: letters.length }
}

const identityOf = ({ identity }: OpenedRecord) => identity
const identityKey = ({ source, firstSequence }: LogBatchIdentity) => `${source}:${firstSequence}`

function isNew(identity: LogBatchIdentity, known: Set<string>): boolean {
  const key = identityKey(identity)
  if (known.has(key)) return false
  known.add(key)
  return true
}

export async function readKnownIdentities(
  transaction: SqlTransaction,
  table: 'log_batches' | 'log_dead_letters',
  identities: readonly LogBatchIdentity[],
): Promise<Set<string>> {
  const known = new Set<string>()
  const isRecord = table === 'log_dead_letters' ? "kind = 'record' AND " : ''
  for (const part of chunks(identities, 500)) {
    const places = part.map(() => '(source = ? AND first_sequence = ?)').join(' OR ')
    const values = part.flatMap(({ source, firstSequence }) => [source, firstSequence])
    const rows = await transaction.read(
      `SELECT source, first_sequence FROM ${table} WHERE ${isRecord}(${places})`,
      values,
    )
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
  const rows = fresh.map(({ identity, letters }) => [
    identity.source,
    identity.firstSequence,
    identity.count,
    letters.length,
    identity.edge,
    nowMs,
  ])
  await insertRows(transaction, 'log_batches', columns, rows)
}

/** Ids are random; should one come twice, its second request shares these rows rather than stop the partition for ever. */
const attemptRow: Upsert = {
  table: 'request_attempts',
  columns: attemptColumns,
  key: ['request_id', 'number', 'stored_on'],
  add: [],
  max: ['started_at'],
}
const failedRequest: Upsert = {
  table: 'failed_requests',
  columns: failureColumns,
  key: ['received_at', 'request_id', 'stored_on'],
  add: [],
  max: ['status'],
}

/** Rows and rollups, without identity or account. */
export async function insertEvents(
  transaction: SqlTransaction,
  fresh: readonly Pick<OpenedRecord, 'identity' | 'events'>[],
  { storedOn, nowMs, retentionMs }: StoreTime,
): Promise<number> {
  const requests: SqlValue[][] = []
  const attempts: SqlValue[][] = []
  const failures: SqlValue[][] = []
  const shapes = createRequestShapes(storedOn)
  const sums = createRollupSums()
  for (const { identity, events } of fresh) {
    const context: RowContext = { storedOn, nowMs, retentionMs, identity }
    for (const event of events) {
      sums.add(event)
      if (event.isSampledOut) continue
      requests.push(requestRow(event, shapes.nameOf(event, identity), context))
      if (event.attempts.length > 1) attempts.push(...attemptRows(event, context))
      if (isFailure(event)) failures.push(failureRow(event, context))
    }
  }
  await shapes.store(transaction)
  await insertRows(transaction, 'request_logs', requestColumns, requests)
  await upsertRows(transaction, attemptRow, attempts)
  await upsertRows(transaction, failedRequest, failures)
  const rollups = sums.rows()
  await upsertRows(transaction, requestRollup, rollups.requests)
  await upsertRows(transaction, modelRollup, rollups.models)
  await upsertRows(transaction, errorRollup, rollups.errors)
  await mergeLatencies(transaction, rollups.latencies)
  await upsertRows(transaction, keyRollup, rollups.keys)
  return requests.length
}
