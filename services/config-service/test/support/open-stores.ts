import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, type DatabaseConnection } from '@gpt-load/database/create-database'
import type { SharedMariadb } from '@gpt-load/testkit/servers/test-servers'

/** The two databases that everything must work on, each fresh per call. */
export type Dialects = Record<string, () => Promise<DatabaseConnection>>

export function dialectsOf(mariadb: Promise<SharedMariadb>): Dialects {
  return {
    SQLite: async () => sqliteConnection(),
    MariaDB: async () => {
      const { host, port, createDatabase: create } = await mariadb
      const { name } = await create()
      return { dialect: 'mysql', host, port, user: 'root', password: '', database: name }
    },
  }
}

export function sqliteConnection(): DatabaseConnection {
  return { dialect: 'sqlite', path: join(mkdtempSync(join(tmpdir(), 'gpt-load-api-')), 'test.db') }
}

export function openStore(connection: DatabaseConnection) {
  return createDatabase(connection, { poolSize: 5 })
}

export function removeFiles(connection: DatabaseConnection): void {
  if (connection.dialect === 'sqlite') rmSync(join(connection.path, '..'), { recursive: true, force: true })
}
