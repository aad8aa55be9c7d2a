import type { ContentBody, ContentRecord } from '@gpt-load/contracts/content-record'
import {
  sqlFailureOf,
  type SqlClient,
  type SqlTransaction,
  type SqlValue,
} from '@gpt-load/database/sql-client/sql-client'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'
import { openContentBatch } from '@gpt-load/transport/log-batch/content-batch'
import { SeekRequired, type LogConsumerHandler } from '@gpt-load/transport/log-stream'
import type { IngestMeter } from './ingest-meter.ts'
import { upsertRows } from './insert-rows.ts'
import { cut, isRequestId } from './log-row.ts'
import { splitBySize } from './split-by-size.ts'
import { dayOf } from './stored-days.ts'
import type { StoredDays } from './stored-days.ts'
import { advanceOffset, createStreamHandler, type OffsetStep } from './stream-handler.ts'
import { withRetries } from './with-retries.ts'

/**
 * Stores recorded bodies in their own table, a batch per transaction. They may be lost: what cannot be read or stored is counted
 * and passed over, and never becomes a dead letter, which would be a body in another place. Rows may come before or after
 * those of their requests.
 */
export type ContentStoreOptions = { sql: SqlClient; days: StoredDays; meter: IngestMeter; nowMs(): number }

/** Of one statement: far below what servers take (`max_allowed_packet`, 16 MiB by default). */
const maxStatementChars = 1_048_576

/** A batch that comes a second time changes nothing. */
const contentRow: Upsert = {
  table: 'request_contents',
  columns: [
    'stored_on',
    'request_id',
    'received_at',
    'group_id',
    'request_type',
    'request_text',
    'request_cut',
    'request_omitted',
    'response_type',
    'response_text',
    'response_cut',
    'response_omitted',
  ],
  key: ['request_id', 'stored_on'],
  add: [],
  max: ['received_at'],
}

export function createContentStore({ sql, days, meter, nowMs }: ContentStoreOptions): LogConsumerHandler {
  return createStreamHandler({
    sql,
    nowMs,
    split: (records) => records.map((record) => [record]),
    async store(step, records) {
      const storedOn = dayOf(step.nowMs)
      await days.ensure(storedOn)
      const opened = records.map(({ bytes }) => openContentBatch(bytes))
      const contents = opened.flatMap((batch) => batch.records).filter(isStorable)
      const unreadable =
        opened.reduce((sum, batch) => sum + batch.unreadable + batch.records.length, 0) - contents.length
      const isStored = await tryStore(
        sql,
        step,
        contents.map((content) => rowOf(content, storedOn)),
      )
      meter.contentsCommitted(isStored ? contents.length : 0, unreadable + (isStored ? 0 : contents.length))
    },
  })
}

/** False: the server does not take these rows, and would not the next time either. */
async function tryStore(sql: SqlClient, step: OffsetStep, rows: readonly SqlValue[][]): Promise<boolean> {
  try {
    await withRetries(() => sql.transaction((transaction) => store(transaction, step, rows)))
    return true
  } catch (error) {
    if (error instanceof SeekRequired || sqlFailureOf(error) !== 'other') throw error
    await sql.transaction((transaction) => advanceOffset(transaction, step))
    return false
  }
}

async function store(transaction: SqlTransaction, step: OffsetStep, rows: readonly SqlValue[][]): Promise<void> {
  await advanceOffset(transaction, step)
  for (const part of splitBySize(rows, { sizeOf: charsOf, maxSize: maxStatementChars }))
    await upsertRows(transaction, contentRow, part)
}

function charsOf(row: SqlValue[]): number {
  return row.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0)
}

function isStorable({ request_id, received_at, group_id }: ContentRecord): boolean {
  return isRequestId(request_id) && received_at >= 0 && group_id >= 0
}

function rowOf(content: ContentRecord, storedOn: number): SqlValue[] {
  const { request_id, received_at, group_id, request, response } = content
  return [storedOn, request_id, received_at, group_id, ...bodyColumns(request), ...bodyColumns(response)]
}

function bodyColumns(body: ContentBody | null): SqlValue[] {
  if (body === null) return [null, '', 0, '']
  return [cut(body.content_type, 100), body.text.toWellFormed(), body.is_cut ? 1 : 0, body.omitted]
}
