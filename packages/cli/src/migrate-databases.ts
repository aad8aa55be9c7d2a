import { createDatabase } from '@gpt-load/database/create-database'
import { migrate, type MigrationSet } from '@gpt-load/database/migrate'
import type { DatabaseConnection } from '@gpt-load/service-kit/database-dsn'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { CommandContext } from './create-program.ts'
import { findDataDir } from './standalone-data.ts'

type Component = MigrationSet['component']

/** Standalone keeps configuration and logs in two files. */
export async function migrateDataDir(directory: string, { say }: Pick<CommandContext, 'say'>): Promise<void> {
  const dataDir = await findDataDir(directory)
  await migrateComponents({ dialect: 'sqlite', path: dataDir.configDatabase }, ['config'], say)
  await migrateComponents({ dialect: 'sqlite', path: dataDir.logDatabase }, ['logs'], say)
}

/** A cluster keeps both in one MySQL database. */
export async function migrateDatabase(
  connection: DatabaseConnection,
  { say }: Pick<CommandContext, 'say'>,
): Promise<void> {
  if (connection.dialect === 'sqlite') {
    throw new StartupError(
      'DATABASE_DSN names an SQLite file',
      'SQLite is for standalone; name its folder: gptload migrate --data-dir DIR',
    )
  }
  await migrateComponents(connection, ['config', 'logs'], say)
}

async function migrateComponents(
  connection: DatabaseConnection,
  components: readonly Component[],
  say: (text: string) => void,
): Promise<void> {
  const place = connection.dialect === 'sqlite' ? connection.path : `${connection.host}/${connection.database}`
  const handle = createDatabase(connection, { poolSize: 2 })
  try {
    // Says why there is no connection; the pool would only say that there is none.
    await handle.ping()
    for (const component of components) {
      const version = await migrate(handle, { component })
      say(`${place}: the ${component} schema is at version ${version}`)
    }
  } finally {
    await handle.close()
  }
}
