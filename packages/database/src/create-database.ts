import { createMysqlDatabase, type MysqlConnection } from './mysql-database.ts'
import { createSqliteDatabase, type SqliteConnection } from './sqlite-database.ts'
import type { DatabaseHandle } from './database-handle.ts'

export type DatabaseConnection = MysqlConnection | SqliteConnection
export type DatabaseOptions = {
  /** Connections to MySQL. Default 10. SQLite has one writer and readers as needed. */
  poolSize?: number
  /** SQLite, of a process that stays: a thread while much is written, so that commits need not wait for the disk. */
  mayCheckpointInThread?: boolean
}

/** Opens lazily: a MySQL that is down shows at the first use (or `ping`), not here. SQLite's file is made, mode 0600. */
export function createDatabase(connection: DatabaseConnection, options: DatabaseOptions = {}): DatabaseHandle {
  return connection.dialect === 'mysql'
    ? createMysqlDatabase(connection, options.poolSize ?? 10)
    : createSqliteDatabase(connection, options)
}
