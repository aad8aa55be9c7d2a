import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import * as mariadb from 'mariadb'
import { PrismaClient } from '../generated/mysql/client.ts'
import { asDatabaseError, DatabaseUnavailable } from './database-errors.ts'
import {
  readTimeoutMs,
  writeTimeoutMs,
  type Database,
  type DatabaseHandle,
  type WriteTransaction,
} from './database-handle.ts'
import { mapDatabaseErrors } from './map-database-errors.ts'
import type { SqlRunner, SqlValue } from './sql-runner.ts'
import { createTransactionConnections } from './transaction-connections.ts'
import { withDeadline } from './with-deadline.ts'
import { withRetry } from './with-retry.ts'

export type MysqlConnection = {
  dialect: 'mysql'
  host: string
  port: number
  user: string
  password: string
  database: string
  /** Present: TLS is required; the certificate is verified unless told otherwise, against `ca` (PEM) when given. */
  tls?: { ca?: string; rejectUnauthorized?: boolean }
}

/**
 * MySQL and MariaDB behind the handle. The pool is made here, not by Prisma's adapter: its own driver never opens the first
 * connection of an empty pool. Text protocol: one round trip per statement and no cache of prepared statements, which
 * statements of every length would fill. Long ones are the exception: a third of what 500 rows cost the server is their text.
 */
const minPreparedParameters = 4_000
/** Per connection; one of 8,000 parameters takes the server a few MB. */
const maxPreparedStatements = 4
const connectTimeoutMs = 5_000
/** The pool tries to connect for this long, so it is also how late a caller learns that the server is away. */
const acquireTimeoutMs = 3_000
/** Above idleTimeout, so that it never ends a connection that merely waits in the pool. */
const socketTimeoutMs = 90_000
const idleTimeoutSeconds = 50

const sessionSql = [
  "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
  'SET SESSION innodb_lock_wait_timeout = 5',
]
const rowOptions = { bigIntAsNumber: true, insertIdAsNumber: true, decimalAsNumber: true, bitOneIsBoolean: false }

export function createMysqlDatabase(connection: MysqlConnection, poolSize: number): DatabaseHandle {
  const options = connectionOptions(connection)
  const pool = mariadb.createPool({
    ...options,
    connectionLimit: poolSize,
    minimumIdle: 1,
    acquireTimeout: acquireTimeoutMs,
    idleTimeout: idleTimeoutSeconds,
    initSql: sessionSql,
    prepareCacheLength: maxPreparedStatements,
  })
  const transactions = createTransactionConnections(pool)
  const adapter = new PrismaMariaDb(transactions.lender as never, {
    database: connection.database,
    useTextProtocol: true,
    onConnectionError: () => {},
  })
  const client = new PrismaClient({ adapter, errorFormat: 'minimal' })
  const sql = poolRunner(pool)

  async function write<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<T> {
    return withRetry(() =>
      withDeadline(
        transactions.run((connection) =>
          client.$transaction((database) => work({ database, sql: transactionRunner(connection) }), {
            isolationLevel: 'ReadCommitted',
            maxWait: acquireTimeoutMs,
            timeout: writeTimeoutMs,
          }),
        ),
        writeTimeoutMs + acquireTimeoutMs,
      ),
    )
  }

  return {
    dialect: 'mysql',
    database: mapDatabaseErrors(client as Database),
    sql,
    write,
    readSnapshot: (work) => readSnapshot(pool, work),
    ping: () => pingOnce(options),
    async close() {
      await client.$disconnect()
      await pool.end().catch(() => {})
    },
  }
}

function connectionOptions(connection: MysqlConnection): mariadb.ConnectionConfig {
  const { tls } = connection
  return {
    host: connection.host,
    port: connection.port,
    user: connection.user,
    password: connection.password,
    database: connection.database,
    connectTimeout: connectTimeoutMs,
    socketTimeout: socketTimeoutMs,
    keepAliveDelay: 10_000,
    // caching_sha2_password without TLS needs the server's key; with TLS the password travels inside it.
    allowPublicKeyRetrieval: tls === undefined,
    ...(tls && {
      ssl: {
        rejectUnauthorized: tls.rejectUnauthorized ?? true,
        ...(tls.ca !== undefined && { ca: tls.ca }),
      },
    }),
  }
}

function poolRunner(pool: mariadb.Pool): SqlRunner {
  return {
    dialect: 'mysql',
    query: (sql, parameters = []) => run(pool, sql, parameters),
    execute: async (sql, parameters = []) => (await run<mariadb.UpsertResult>(pool, sql, parameters)).affectedRows,
  }
}

async function run<Result>(
  connection: mariadb.Pool | mariadb.PoolConnection,
  sql: string,
  parameters: readonly SqlValue[],
): Promise<Result> {
  const values = parameters.map((value) =>
    value instanceof Uint8Array && !Buffer.isBuffer(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : value,
  )
  const options = { sql, ...rowOptions }
  const isPrepared = values.length >= minPreparedParameters
  try {
    const answer: Promise<Result> = isPrepared ? connection.execute(options, values) : connection.query(options, values)
    return await withDeadline(answer, readTimeoutMs)
  } catch (error) {
    throw asDatabaseError(error)
  }
}

function transactionRunner(connection: () => mariadb.PoolConnection): SqlRunner {
  return {
    dialect: 'mysql',
    query: async (sql, parameters = []) => run(connection(), sql, parameters),
    execute: async (sql, parameters = []) =>
      (await run<mariadb.UpsertResult>(connection(), sql, parameters)).affectedRows,
  }
}

async function readSnapshot<T>(pool: mariadb.Pool, work: (sql: SqlRunner) => Promise<T>): Promise<T> {
  const connection = await acquire(pool)
  let isBroken = false
  try {
    // The isolation level must be set before the transaction begins: MySQL refuses to change it inside.
    await run(connection, 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', [])
    await run(connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY', [])
    const result = await work(snapshotRunner(connection))
    await run(connection, 'COMMIT', [])
    return result
  } catch (error) {
    isBroken = error instanceof DatabaseUnavailable
    if (!isBroken) await run(connection, 'ROLLBACK', []).catch(() => (isBroken = true))
    throw error
  } finally {
    // One that does not answer is never given to the next caller.
    if (isBroken) connection.destroy()
    else await connection.release().catch(() => {})
  }
}

function snapshotRunner(connection: mariadb.PoolConnection): SqlRunner {
  return {
    dialect: 'mysql',
    query: (sql, parameters = []) => run(connection, sql, parameters),
    execute: () => Promise.reject(new Error('a snapshot read writes nothing')),
  }
}

async function acquire(pool: mariadb.Pool): Promise<mariadb.PoolConnection> {
  try {
    return await pool.getConnection()
  } catch (error) {
    throw asDatabaseError(error)
  }
}

/** The pool only says "timeout"; a plain connection says why. */
async function pingOnce(options: mariadb.ConnectionConfig): Promise<void> {
  try {
    const connection = await mariadb.createConnection(options)
    connection.on('error', () => {})
    await withDeadline(connection.query('SELECT 1'), connectTimeoutMs)
    await connection.end()
  } catch (error) {
    const { code, sqlMessage } = error as { code?: string; sqlMessage?: string }
    const reason = sqlMessage ?? code ?? (error as Error).message
    throw new DatabaseUnavailable(`no connection to MySQL at ${options.host}:${options.port}: ${reason}`, {
      cause: error,
    })
  }
}
