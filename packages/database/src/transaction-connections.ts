import { AsyncLocalStorage } from 'node:async_hooks'
import type * as mariadb from 'mariadb'
import { DatabaseUnavailable } from './database-errors.ts'

/**
 * Raw statements on the connection that Prisma's transaction has taken from the pool. Prisma translates every parameter several
 * times over, which costs a row of many columns more than the server's own work on it; here a statement goes to the driver.
 * The connection is at hand until Prisma ends the transaction: what comes later (it ran out of time, say) is refused instead of
 * being a transaction of its own.
 */
export type TransactionConnections = {
  /** For Prisma's adapter, in place of the pool. */
  readonly lender: Pick<mariadb.Pool, 'getConnection' | 'query' | 'execute'>
  /** `begin` has Prisma begin one transaction; what it is given answers that transaction's connection. */
  run<T>(begin: (connection: () => mariadb.PoolConnection) => Promise<T>): Promise<T>
}

type Taken = { connection: mariadb.PoolConnection | null }

export function createTransactionConnections(pool: mariadb.Pool): TransactionConnections {
  const transactions = new AsyncLocalStorage<Taken>()
  return {
    lender: {
      getConnection: async () => lend(await pool.getConnection(), transactions.getStore()),
      query: pool.query.bind(pool),
      execute: pool.execute.bind(pool),
    },
    run(begin) {
      const taken: Taken = { connection: null }
      return transactions.run(taken, () => begin(() => connectionOf(taken)))
    },
  }
}

function connectionOf({ connection }: Taken): mariadb.PoolConnection {
  if (connection === null) throw new DatabaseUnavailable('the transaction has ended before this statement')
  return connection
}

/** As much of a connection as Prisma's adapter uses. */
function lend(connection: mariadb.PoolConnection, taken: Taken | undefined): mariadb.PoolConnection {
  if (taken !== undefined) taken.connection = connection
  const end = () => void (taken !== undefined && (taken.connection = null))
  const lent = {
    query(options: mariadb.QueryOptions, values?: unknown) {
      if (options.sql === 'COMMIT' || options.sql === 'ROLLBACK') end()
      return connection.query(options, values)
    },
    execute: connection.execute.bind(connection),
    on: connection.on.bind(connection),
    off: connection.off.bind(connection),
    release() {
      end()
      return connection.release()
    },
  } satisfies Partial<Record<keyof mariadb.PoolConnection, unknown>>
  return lent as unknown as mariadb.PoolConnection
}
