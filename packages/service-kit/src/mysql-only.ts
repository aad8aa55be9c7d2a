import { databaseConnection, type DatabaseConnection, type MysqlConnection } from './database-dsn.ts'
import type { EnvironmentCheck } from './environment.ts'

/** Services of the cluster share their database, so SQLite, which one process holds, is refused as the configuration is read. */
type DatabaseValues = { DATABASE_DSN: DatabaseConnection; DATABASE_TLS_CA?: string | undefined }

export const checkDatabaseIsMysql: EnvironmentCheck<DatabaseValues> = ({ DATABASE_DSN: connection }, report) => {
  if (connection?.dialect !== 'sqlite') return
  report(
    'DATABASE_DSN',
    'names an SQLite file, which is for standalone',
    'use mysql://USER:PASSWORD@host:3306/database',
  )
}

export function mysqlConnectionOf(config: DatabaseValues): MysqlConnection {
  const connection = databaseConnection(config)
  if (connection.dialect === 'mysql') return connection
  throw new Error('checkDatabaseIsMysql is missing where this configuration was read')
}
