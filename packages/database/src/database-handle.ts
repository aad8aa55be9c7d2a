import type { Prisma, PrismaClient } from '../generated/mysql/client.ts'
import type { Dialect, SqlRunner } from './sql-runner.ts'

/**
 * What services hold of a database. Reads go through `database` (Prisma) or `sql`; every write goes through `write`: on
 * SQLite there is one writer, its transactions queue, and `database` refuses to write.
 */
export type Database = PrismaClient

export type WriteTransaction = { database: Prisma.TransactionClient; sql: SqlRunner }

export interface DatabaseHandle {
  readonly dialect: Dialect
  readonly database: Database
  /** `execute` is a write transaction of its own. */
  readonly sql: SqlRunner
  /**
   * One transaction, READ COMMITTED on MySQL. Repeated when a deadlock or a busy file ended it, so `work` must do nothing
   * but database work. Throws DatabaseUnavailable.
   */
  write<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<T>
  /** Several reads of one state of the database (REPEATABLE READ snapshot); beside writers, blocking none. */
  readSnapshot<T>(work: (sql: SqlRunner) => Promise<T>): Promise<T>
  /** Says by the true error what is wrong with the connection. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** Bounds of one statement or transaction against a database that stopped answering. */
export const readTimeoutMs = 10_000
export const writeTimeoutMs = 30_000
