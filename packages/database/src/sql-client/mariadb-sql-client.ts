import { createPool } from 'mariadb'
import type { Connection, Pool } from 'mariadb'
import type { MysqlConnection } from './mysql-connection.ts'
import type { SqlClient, SqlRow, SqlTransaction, SqlValue } from './sql-client.ts'

/** How long a caller waits for a connection: long enough for a failover's blink, short enough to notice an outage. */
const acquireTimeoutMs = 5_000
/** A server that accepts and says nothing (a stopped process) counts as away after this. */
const socketTimeoutMs = 30_000

/** Opens nothing until the first use; a server that is away fails the call, never the process. */
export function createMariadbSqlClient(connection: MysqlConnection, options: { connections: number }): SqlClient {
  const pool = createPool({
    host: connection.host,
    port: connection.port,
    user: connection.user,
    password: connection.password,
    database: connection.database,
    ...(connection.tls === undefined ? {} : { ssl: connection.tls }),
    connectionLimit: options.connections,
    acquireTimeout: acquireTimeoutMs,
    connectTimeout: acquireTimeoutMs,
    socketTimeout: socketTimeoutMs,
    allowPublicKeyRetrieval: true,
    timezone: 'Z',
    bigIntAsNumber: true,
    decimalAsNumber: true,
    insertIdAsNumber: true,
    checkNumberRange: true,
  })
  return {
    dialect: 'mysql',
    read: (sql, values) => withConnection(pool, (link) => read(link, sql, values)),
    execute: (sql, values) => withConnection(pool, (link) => execute(link, sql, values)),
    transaction: (work) => withConnection(pool, (link) => runTransaction(link, work)),
    close: () => pool.end(),
  }
}

async function withConnection<T>(pool: Pool, use: (link: Connection) => Promise<T>): Promise<T> {
  const link = await pool.getConnection()
  try {
    return await use(link)
  } finally {
    // A connection that broke throws here too; what matters was thrown by `use`.
    await link.release().catch(() => {})
  }
}

async function runTransaction<T>(link: Connection, work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
  await link.beginTransaction()
  try {
    const result = await work({
      dialect: 'mysql',
      read: (sql, values) => read(link, sql, values),
      execute: (sql, values) => execute(link, sql, values),
    })
    await link.commit()
    return result
  } catch (error) {
    await link.rollback().catch(() => {})
    throw error
  }
}

async function read(link: Connection, sql: string, values: readonly SqlValue[] = []): Promise<SqlRow[]> {
  return (await link.query(sql, values.map(toParameter))) as SqlRow[]
}

async function execute(link: Connection, sql: string, values: readonly SqlValue[] = []): Promise<number> {
  const result = (await link.query(sql, values.map(toParameter))) as { affectedRows?: number }
  return result.affectedRows ?? 0
}

const toParameter = (value: SqlValue) => (value instanceof Uint8Array ? Buffer.from(value) : value)
