/**
 * Raw SQL in the common subset of MySQL 8.4, MariaDB 10.11 and SQLite, with `?` for parameters. For what Prisma is too slow
 * or too coarse for: bulk rows, keyset pages over a million keys, conditional updates.
 */
export type Dialect = 'mysql' | 'sqlite'
export type SqlValue = string | number | bigint | boolean | null | Uint8Array

export interface SqlRunner {
  readonly dialect: Dialect
  /** Rows by column name. Integers are numbers (all of ours are below 2^53), booleans 0 or 1, blobs Buffers. */
  query<Row extends object>(sql: string, parameters?: readonly SqlValue[]): Promise<Row[]>
  /** Rows inserted, deleted or matched. */
  execute(sql: string, parameters?: readonly SqlValue[]): Promise<number>
}

/** Milliseconds since 1970 by the database's clock: replicas' clocks differ, so leases go by this one. */
export function databaseNowMs(dialect: Dialect): string {
  return dialect === 'mysql'
    ? 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)'
    : "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
}

/** `?,?,?` */
export function placeholders(count: number): string {
  return '?,'.repeat(count).slice(0, -1)
}
