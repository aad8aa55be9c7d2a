import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SqlServerDatabase } from '@gpt-load/testkit/servers/test-servers'
import { createDatabase, type DatabaseConnection } from '../src/create-database.ts'
import type { DatabaseHandle } from '../src/database-handle.ts'
import { migrate } from '../src/migrate.ts'

/** Handles of a test, closed with it. `another` opens the same database again, as a second replica does. */
export type OpenedDatabase = AsyncDisposable & {
  handle: DatabaseHandle
  connection: DatabaseConnection
  another(): DatabaseHandle
}

export async function openMigrated(connection: DatabaseConnection): Promise<OpenedDatabase> {
  const opened = openEmpty(connection)
  await migrate(opened.handle, { component: 'config' })
  return opened
}

export function openEmpty(connection: DatabaseConnection): OpenedDatabase {
  const handles = [createDatabase(connection)]
  return {
    handle: handles[0] as DatabaseHandle,
    connection,
    another() {
      const handle = createDatabase(connection)
      handles.push(handle)
      return handle
    },
    async [Symbol.asyncDispose]() {
      for (const handle of handles) await handle.close()
      if (connection.dialect === 'sqlite') rmSync(join(connection.path, '..'), { recursive: true, force: true })
    },
  }
}

export function sqliteConnection(): DatabaseConnection {
  return { dialect: 'sqlite', path: join(mkdtempSync(join(tmpdir(), 'gpt-load-db-')), 'test.db') }
}

export function mysqlConnection(database: SqlServerDatabase): DatabaseConnection {
  return { dialect: 'mysql', ...database }
}
