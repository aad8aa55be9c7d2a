import { chmodSync, closeSync, openSync } from 'node:fs'
import SqliteDatabase from 'better-sqlite3'
import type { SqlClient, SqlRow, SqlTransaction, SqlValue } from './sql-client.ts'

/**
 * One SQLite file through better-sqlite3, synchronous: run it in a thread of its own (ARCHITECTURE.md, Log pipeline), since
 * a statement blocks the thread for as long as it takes. WAL, so that readers in other threads are not blocked.
 */
export function createSqliteSqlClient(path: string, options: { isReadOnly?: boolean } = {}): SqlClient {
  if (path !== ':memory:' && options.isReadOnly !== true) createPrivateFile(path)
  const database = new SqliteDatabase(path, { readonly: options.isReadOnly ?? false, timeout: 10_000 })
  if (options.isReadOnly !== true) {
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
    database.pragma('journal_size_limit = 67108864')
  }
  const read = (sql: string, values: readonly SqlValue[] = []) => database.prepare(sql).all(...values) as SqlRow[]
  const execute = (sql: string, values: readonly SqlValue[] = []) => database.prepare(sql).run(...values).changes
  let last: Promise<unknown> = Promise.resolve()
  const transaction: SqlTransaction = {
    dialect: 'sqlite',
    read: async (sql, values) => read(sql, values),
    execute: async (sql, values) => execute(sql, values),
  }
  async function runTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = await work(transaction)
      database.exec('COMMIT')
      return result
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
  /** One connection has one transaction: everything that writes queues behind the one before. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work)
    last = turn.catch(() => {})
    return turn
  }
  return {
    dialect: 'sqlite',
    read: async (sql, values) => read(sql, values),
    execute: (sql, values) => inTurn(async () => execute(sql, values)),
    transaction: (work) => inTurn(() => runTransaction(work)),
    async close() {
      await last
      database.close()
    },
  }
}

/** Logs name callers and paths: readable by the owner only, from the first byte on. */
function createPrivateFile(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}
