import { placeholders, type SqlRunner, type SqlValue } from './sql-runner.ts'

/** Rows per statement: 500 x 20 columns stay below SQLite's 32,766 parameters, and one statement below a few ms. */
const rowsPerStatement = 500

export type BulkInsert = {
  table: string
  columns: readonly string[]
  rows: readonly (readonly SqlValue[])[]
  /**
   * Rows whose unique key exists are left out instead of failing. On MySQL this is INSERT IGNORE, which also cuts values
   * that are too long: callers check lengths before.
   */
  ignoreDuplicates?: boolean
}

/** Answers how many rows were inserted. Table and column names come from code, never from input. */
export async function bulkInsert(sql: SqlRunner, insert: BulkInsert): Promise<number> {
  let inserted = 0
  const statement = statementFor(sql, insert)
  for (let start = 0; start < insert.rows.length; start += rowsPerStatement) {
    const rows = insert.rows.slice(start, start + rowsPerStatement)
    inserted += await sql.execute(statement(rows.length), rows.flat())
  }
  return inserted
}

function statementFor(sql: SqlRunner, { table, columns, ignoreDuplicates }: BulkInsert): (rows: number) => string {
  const ignore = ignoreDuplicates === true
  const verb = ignore && sql.dialect === 'mysql' ? 'INSERT IGNORE' : 'INSERT'
  const tail = ignore && sql.dialect === 'sqlite' ? ' ON CONFLICT DO NOTHING' : ''
  const names = columns.map((column) => quoteName(sql, column)).join(',')
  const row = `(${placeholders(columns.length)}),`
  return (rows) => `${verb} INTO ${quoteName(sql, table)} (${names}) VALUES ${row.repeat(rows).slice(0, -1)}${tail}`
}

/** `groups` is a reserved word in MySQL. */
export function quoteName(sql: Pick<SqlRunner, 'dialect'>, name: string): string {
  return sql.dialect === 'mysql' ? `\`${name}\`` : `"${name}"`
}
