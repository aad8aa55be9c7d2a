/**
 * Port for the log tables: plain SQL in two dialects, without an object mapper (rows come by the thousand). Adapters:
 * mariadb-sql-client (MySQL, MariaDB) and sqlite-sql-client. Integers come back as numbers, byte columns as Uint8Array.
 */
export type SqlValue = string | number | null | Uint8Array
export type SqlRow = Record<string, SqlValue>
export type SqlDialect = 'mysql' | 'sqlite'

export interface SqlReader {
  readonly dialect: SqlDialect
  read(sql: string, values?: readonly SqlValue[]): Promise<SqlRow[]>
}

export interface SqlTransaction extends SqlReader {
  /** Answers the number of rows that were changed (found and different, or inserted). */
  execute(sql: string, values?: readonly SqlValue[]): Promise<number>
}

export interface SqlClient extends SqlReader {
  /** Commits when `work` resolves, rolls back when it rejects. Transactions of one SQLite client run one after another. */
  transaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T>
  /** A statement on its own (DDL, clean-up). */
  execute(sql: string, values?: readonly SqlValue[]): Promise<number>
  close(): Promise<void>
}

/** Why a statement failed, as far as the caller acts on it. */
export type SqlFailure = 'duplicate' | 'retryable' | 'unavailable' | 'other'

const mysqlFailures: Record<number, SqlFailure> = {
  1062: 'duplicate',
  1205: 'retryable', // lock wait timeout
  1213: 'retryable', // deadlock
  1020: 'retryable', // MariaDB: record has changed since last read
  1317: 'unavailable', // query interrupted by a shutdown
  1053: 'unavailable', // server shutdown in progress
  1927: 'unavailable', // connection was killed
  1040: 'unavailable', // too many connections
  45028: 'unavailable', // pool timeout
}

/** The schema is not there yet: whoever migrates it has not run. SQLite says so in its message only. */
export function isMissingTable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('errno' in error && error.errno === 1146) || /\bno such table\b/.test(error.message)
}

/** Judges an error of either adapter. */
export function sqlFailureOf(error: unknown): SqlFailure {
  if (!(error instanceof Error)) return 'other'
  const { errno, code, fatal } = error as Error & { errno?: number; code?: string; fatal?: boolean }
  if (typeof errno === 'number' && mysqlFailures[errno] !== undefined) return mysqlFailures[errno]
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') return 'duplicate'
  if (code?.startsWith('SQLITE_BUSY') === true) return 'retryable'
  if (code?.startsWith('SQLITE_IOERR') === true || code === 'SQLITE_FULL') return 'unavailable'
  if (
    fatal === true ||
    /^(ECONN|EPIPE|ETIMEDOUT|ER_(SOCKET|CONNECTION|POOL|GET_CONNECTION|CMD_CONNECTION))/.test(code ?? '')
  )
    return 'unavailable'
  return 'other'
}
