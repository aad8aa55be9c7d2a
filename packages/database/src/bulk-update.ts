import { quoteName } from './bulk-insert.ts'
import { placeholders, type SqlRunner, type SqlValue } from './sql-runner.ts'

/** 7 columns each: a statement of a few ms in both dialects. */
const rowsPerStatement = 200

export type BulkUpdate = {
  table: string
  /** Columns that name the row; they come first in each row of values. */
  keys: readonly string[]
  columns: readonly string[]
  rows: readonly (readonly SqlValue[])[]
}

/** Different values for many rows in few statements: the values are a derived table that the rows are joined with. */
export async function bulkUpdate(sql: SqlRunner, update: BulkUpdate): Promise<void> {
  for (let start = 0; start < update.rows.length; start += rowsPerStatement) {
    const rows = update.rows.slice(start, start + rowsPerStatement)
    await sql.execute(statementFor(sql, update, rows.length), rows.flat())
  }
}

function statementFor(sql: SqlRunner, { table, keys, columns }: BulkUpdate, rows: number): string {
  const name = (column: string) => quoteName(sql, column)
  const all = [...keys, ...columns]
  const target = name(table)
  const join = keys.map((key) => `${target}.${name(key)} = v.${name(key)}`).join(' AND ')
  if (sql.dialect === 'sqlite') {
    const values = `(${placeholders(all.length)}),`.repeat(rows).slice(0, -1)
    const set = columns.map((column) => `${name(column)} = v.${name(column)}`).join(', ')
    return `WITH v (${all.map(name).join(', ')}) AS (VALUES ${values}) UPDATE ${target} SET ${set} FROM v WHERE ${join}`
  }
  const first = `SELECT ${all.map((column) => `? AS ${name(column)}`).join(', ')}`
  const others = ` UNION ALL SELECT ${placeholders(all.length)}`.repeat(rows - 1)
  const set = columns.map((column) => `${target}.${name(column)} = v.${name(column)}`).join(', ')
  return `UPDATE ${target} JOIN (${first}${others}) v ON ${join} SET ${set}`
}
