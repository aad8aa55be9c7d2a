import type { SqlDialect } from './sql-client.ts'

/** Statements whose text differs between the dialects. Column names come from our code only, never from input. */
export function insertStatement(table: string, columns: readonly string[], rows: number): string {
  const row = `(${columns.map(() => '?').join(',')})`
  return `INSERT INTO ${table} (${columns.join(',')}) VALUES ${Array.from({ length: rows }, () => row).join(',')}`
}

export type Upsert = {
  table: string
  /** Columns of the primary key first. */
  columns: readonly string[]
  key: readonly string[]
  /** Columns that are summed. */
  add: readonly string[]
  /** Columns that keep the larger value. */
  max?: readonly string[]
  /** Columns that take the new value. */
  replace?: readonly string[]
}

/** `VALUES()` rather than a row alias: MariaDB has no `AS new`. */
export function upsertStatement(dialect: SqlDialect, upsert: Upsert, rows: number): string {
  const insert = insertStatement(upsert.table, upsert.columns, rows)
  const { table } = upsert
  if (dialect === 'mysql') {
    const add = upsert.add.map((column) => `${column} = ${column} + VALUES(${column})`)
    const max = (upsert.max ?? []).map((column) => `${column} = GREATEST(${column}, VALUES(${column}))`)
    const replace = (upsert.replace ?? []).map((column) => `${column} = VALUES(${column})`)
    return `${insert} ON DUPLICATE KEY UPDATE ${[...add, ...max, ...replace].join(', ')}`
  }
  const add = upsert.add.map((column) => `${column} = ${table}.${column} + excluded.${column}`)
  const max = (upsert.max ?? []).map((column) => `${column} = MAX(${table}.${column}, excluded.${column})`)
  const replace = (upsert.replace ?? []).map((column) => `${column} = excluded.${column}`)
  return `${insert} ON CONFLICT (${upsert.key.join(',')}) DO UPDATE SET ${[...add, ...max, ...replace].join(', ')}`
}

/** Rows per statement: SQLite binds at most 32,766 values, MySQL 65,535; the text stays small for the parser. */
export function rowsPerStatement(columns: number): number {
  return Math.max(1, Math.min(500, Math.floor(30_000 / columns)))
}
