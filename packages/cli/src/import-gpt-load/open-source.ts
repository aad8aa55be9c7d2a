import { access, open } from 'node:fs/promises'
import { createDatabase } from '@gpt-load/database/create-database'
import { createMariadbSqlClient } from '@gpt-load/database/sql-client/mariadb-sql-client'
import { isMissingTable, type SqlClient, type SqlRow, type SqlValue } from '@gpt-load/database/sql-client/sql-client'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import { parseDatabaseDsn, type DatabaseConnection } from '@gpt-load/service-kit/database-dsn'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { isMissingPostgresTable, isPostgresDsn, openPostgresSource } from './postgres-source.ts'

/**
 * A database of GPT-Load 1.x, only ever read. Columns came with its releases, so rows are taken whole and read by what they
 * have (gpt-load/data.md 2).
 */
export interface GptLoadSource {
  rows(table: 'groups' | 'group_sub_groups' | 'system_settings'): Promise<SqlRow[]>
  /** In the order of ids, a page at a time. */
  keys(groupId: number): AsyncIterable<SqlRow>
  /** Rows of keys that the group holds more than once. */
  repeatedKeys(groupId: number): Promise<SqlRow[]>
  close(): Promise<void>
}

/** Statements have `?` for parameters. */
type SourceClient = {
  quote(name: string): string
  read(sql: string, values?: readonly SqlValue[]): Promise<SqlRow[]>
  close(): Promise<void>
}

const pageRows = 1_000

export async function openGptLoadSource(dsn: string): Promise<GptLoadSource> {
  const client = await openClient(dsn)
  try {
    await client.read('SELECT id FROM api_keys LIMIT 1')
  } catch (error) {
    await client.close()
    if (!hasNoTable(error)) throw error
    throw new StartupError(
      'the source is not a database of GPT-Load 1.x: it has no table api_keys',
      "name GPT-Load's own database: its DATABASE_DSN, or the file data/gpt-load.db",
      { cause: error },
    )
  }
  return {
    rows: (table) => ifThere(client.read(`SELECT * FROM ${client.quote(table)} ORDER BY id`)),
    keys: (groupId) => readKeys(client, groupId),
    repeatedKeys: (groupId) => readRepeatedKeys(client, groupId),
    close: () => client.close(),
  }
}

async function openClient(dsn: string): Promise<SourceClient> {
  if (isPostgresDsn(dsn)) return openPostgresSource(dsn)
  const parsed = parseDatabaseDsn(dsn)
  if (!parsed.ok) throw new StartupError(`the source ${parsed.problem}`, parsed.advice)
  if (parsed.value.dialect === 'mysql') {
    await explainUnreachable(parsed.value)
    return withQuote(createMariadbSqlClient(parsed.value, { connections: 1 }), (name) => `\`${name}\``)
  }
  // Opening would say only that it cannot be opened.
  await access(parsed.value.path)
  await assertSqlite(parsed.value.path)
  return withQuote(createSqliteSqlClient(parsed.value.path, { isReadOnly: true }), (name) => `"${name}"`)
}

/** The pool would say only that it has no connection. */
async function explainUnreachable(connection: DatabaseConnection): Promise<void> {
  const handle = createDatabase(connection, { poolSize: 1 })
  try {
    await handle.ping()
  } finally {
    await handle.close()
  }
}

const sqliteMagic = 'SQLite format 3\0'

async function assertSqlite(path: string): Promise<void> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(sqliteMagic.length), 0, sqliteMagic.length, 0)
    if (buffer.toString('latin1', 0, bytesRead) === sqliteMagic) return
  } finally {
    await file.close()
  }
  throw new StartupError(
    `${path} is no SQLite database`,
    "name GPT-Load's own file, data/gpt-load.db, or its DATABASE_DSN",
  )
}

function withQuote(client: SqlClient, quote: SourceClient['quote']): SourceClient {
  return { quote, read: (sql, values) => client.read(sql, values), close: () => client.close() }
}

function hasNoTable(error: unknown): boolean {
  return isMissingTable(error) || isMissingPostgresTable(error)
}

/** Early releases had no aggregates. */
function ifThere(rows: Promise<SqlRow[]>): Promise<SqlRow[]> {
  return rows.catch((error: unknown) => {
    if (hasNoTable(error)) return []
    throw error
  })
}

async function* readKeys(client: SourceClient, groupId: number): AsyncGenerator<SqlRow> {
  for (let after = 0; ;) {
    const rows = await client.read(
      `SELECT * FROM api_keys WHERE group_id = ? AND id > ? ORDER BY id LIMIT ${pageRows}`,
      [groupId, after],
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageRows) return
    after = Number(last['id'])
  }
}

async function readRepeatedKeys(client: SourceClient, groupId: number): Promise<SqlRow[]> {
  const [first] = await client.read('SELECT * FROM api_keys WHERE group_id = ? LIMIT 1', [groupId])
  if (first === undefined || !('key_hash' in first)) return []
  return client.read(
    `SELECT * FROM api_keys WHERE group_id = ? AND key_hash <> '' AND key_hash IN (
       SELECT key_hash FROM api_keys WHERE group_id = ? GROUP BY key_hash HAVING COUNT(*) > 1) ORDER BY id`,
    [groupId, groupId],
  )
}
