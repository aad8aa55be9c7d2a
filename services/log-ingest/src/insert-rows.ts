import type { SqlTransaction, SqlValue } from '@gpt-load/database/sql-client/sql-client'
import { insertStatement, rowsPerStatement, upsertStatement } from '@gpt-load/database/sql-client/sql-statements'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'

/** Rows by the hundred per statement. */
export async function insertRows(
  transaction: SqlTransaction,
  table: string,
  columns: readonly string[],
  rows: readonly SqlValue[][],
): Promise<void> {
  for (const part of chunks(rows, rowsPerStatement(columns.length)))
    await transaction.execute(insertStatement(table, columns, part.length), part.flat())
}

export async function upsertRows(
  transaction: SqlTransaction,
  upsert: Upsert,
  rows: readonly SqlValue[][],
): Promise<void> {
  for (const part of chunks(rows, rowsPerStatement(upsert.columns.length)))
    await transaction.execute(upsertStatement(transaction.dialect, upsert, part.length), part.flat())
}

export function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
