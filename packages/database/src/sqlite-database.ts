import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import SqliteFile from 'better-sqlite3'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { PrismaClient } from '../generated/sqlite/client.ts'
import { asDatabaseError } from './database-errors.ts'
import { writeTimeoutMs, type Database, type DatabaseHandle, type WriteTransaction } from './database-handle.ts'
import { mapDatabaseErrors } from './map-database-errors.ts'
import { createSqliteCheckpoints } from './sqlite-checkpoints.ts'
import type { SqlRunner, SqlValue } from './sql-runner.ts'
import { withRetry } from './with-retry.ts'

export type SqliteConnection = {
  dialect: 'sqlite'
  /** The file; its folder is made when it is not there. Only one process writes much; others wait for it. */
  path: string
}

/**
 * SQLite behind the handle. One connection writes, one reads, and each consistent read has its own: better-sqlite3 is
 * synchronous and Prisma's adapter shares its connection, so a query beside an open transaction on the same one would be
 * part of it. WAL lets readers never wait. A transaction begins by taking the write lock, so it never fails half-way.
 *
 * With `mayCheckpointInThread` the write-ahead log is emptied by a thread of its own while much is written; past
 * `maxWalPages`, and without the thread every thousand pages, a commit does it.
 */
const readBusyTimeoutMs = 100
/** Waiting inside SQLite blocks the event loop, also for the one who holds the lock: wait in withRetry instead. */
const writeBusyTimeoutMs = 1
/** Pages of indexes that one chunk of keys writes all over: SQLite's 2 MB would spill them to the log twice. */
const writeCacheKib = 16_384
/** 64 MB. The bound of the log while the checkpoint thread does not keep up. */
const maxWalPages = 16_384
const walPagesPerCommit = 1_000
/** Statements that stay compiled per connection; a chunk of 500 rows has some 8,000 parameters to parse. */
const maxStatements = 100
const mutexStatement = 'DELETE FROM write_lock WHERE 0'

export function createSqliteDatabase(
  { path }: SqliteConnection,
  { mayCheckpointInThread = false }: { mayCheckpointInThread?: boolean } = {},
): DatabaseHandle {
  makePrivateFile(path)
  const setup = new SqliteFile(path, { timeout: 5_000 })
  setup.pragma('journal_mode = WAL')
  setup.exec('CREATE TABLE IF NOT EXISTS write_lock (id INTEGER PRIMARY KEY)')
  setup.close()

  const setUpReader = (file: SqliteFile.Database): void => void file.pragma('query_only = ON')
  let walPages = walPagesPerCommit
  const setUpWriter = (file: SqliteFile.Database): void => {
    file.pragma(`cache_size = -${writeCacheKib}`)
    file.pragma(`wal_autocheckpoint = ${walPages}`)
  }
  const reader = openClient(path, readBusyTimeoutMs, setUpReader)
  const writer = openClient(path, writeBusyTimeoutMs, setUpWriter)
  const checkpoints = mayCheckpointInThread
    ? createSqliteCheckpoints(path, {
        onStart: () => checkpointEvery(maxWalPages),
        onEnd: () => checkpointEvery(walPagesPerCommit),
      })
    : null
  const readSql = fileRunner(() => reader.file())
  const writeSql = fileRunner(
    () => writer.file(),
    (rows) => checkpoints?.noteWritten(rows),
  )

  function checkpointEvery(pages: number): void {
    walPages = pages
    if (writer.isOpen()) setUpWriter(writer.file())
  }

  async function write<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<T> {
    // Everything below may run without leaving the thread: writers in a row must not keep timers and sockets waiting.
    await setImmediate()
    return withRetry(() =>
      writer.client.$transaction(
        async (database) => {
          await writeSql.execute(mutexStatement)
          return work({ database, sql: writeSql })
        },
        { maxWait: writeTimeoutMs, timeout: writeTimeoutMs },
      ),
    )
  }

  return {
    dialect: 'sqlite',
    database: mapDatabaseErrors(reader.client),
    sql: {
      dialect: 'sqlite',
      async query<Row extends object>(sql: string, parameters?: readonly SqlValue[]) {
        await reader.open()
        return readSql.query<Row>(sql, parameters)
      },
      execute: (sql, parameters) => write((transaction) => transaction.sql.execute(sql, parameters)),
    },
    write,
    readSnapshot: (work) => readSnapshot(path, work),
    ping: async () => void (await reader.client.$queryRawUnsafe('SELECT 1')),
    async close() {
      await checkpoints?.close()
      await reader.client.$disconnect()
      await writer.client.$disconnect()
    },
  }
}

function makePrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // SQLite gives its -wal and -shm files the mode of the database file.
  closeSync(openSync(path, 'a', 0o600))
}

type OpenClient = { client: Database; open(): Promise<void>; isOpen(): boolean; file(): SqliteFile.Database }

/** A Prisma client whose single connection we set up and may use for raw statements. */
function openClient(path: string, timeout: number, setUp: (file: SqliteFile.Database) => void): OpenClient {
  const factory = new PrismaBetterSqlite3({ url: `file:${path}`, timeout })
  let file: SqliteFile.Database | undefined
  const adapter = {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const connected = await factory.connect()
      file = (connected as unknown as { client: SqliteFile.Database }).client
      file.pragma('synchronous = NORMAL')
      file.pragma('foreign_keys = ON')
      setUp(file)
      return connected
    },
  }
  const client = new PrismaClient({ adapter: adapter as never, errorFormat: 'minimal' }) as unknown as Database
  return {
    client,
    open: () => client.$connect(),
    isOpen: () => file?.open === true,
    file() {
      if (file === undefined) throw new Error('the SQLite file is not open')
      return file
    },
  }
}

/** Raw statements beside Prisma's on the same connection: no translation, integers as numbers. */
function fileRunner(file: () => SqliteFile.Database, onWritten: (rows: number) => void = () => undefined): SqlRunner {
  const statement = createStatementCache(file)
  return {
    dialect: 'sqlite',
    query: async (sql, parameters = []) => guarded(() => statement(sql).all(...parameters.map(toBindable))) as never,
    execute: async (sql, parameters = []) =>
      guarded(() => {
        const { changes } = statement(sql).run(...parameters.map(toBindable))
        onWritten(changes)
        return changes
      }),
  }
}

/** Compiled statements, the latest used ones. SQLite compiles them anew by itself when the schema has changed. */
function createStatementCache(file: () => SqliteFile.Database): (sql: string) => SqliteFile.Statement {
  const statements = new Map<string, SqliteFile.Statement>()
  let owner: SqliteFile.Database | null = null
  return (sql) => {
    const current = file()
    if (current !== owner) statements.clear()
    owner = current
    const statement = statements.get(sql) ?? current.prepare(sql).safeIntegers(false)
    statements.delete(sql)
    statements.set(sql, statement)
    if (statements.size > maxStatements) statements.delete(statements.keys().next().value!)
    return statement
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw asDatabaseError(error)
  }
}

function toBindable(value: SqlValue): string | number | bigint | null | Uint8Array {
  return typeof value === 'boolean' ? Number(value) : value
}

async function readSnapshot<T>(path: string, work: (sql: SqlRunner) => Promise<T>): Promise<T> {
  const file = guarded(() => new SqliteFile(path, { readonly: true, timeout: readBusyTimeoutMs }))
  try {
    file.prepare('BEGIN').run()
    return await work(fileRunner(() => file))
  } finally {
    file.close()
  }
}
