// A MariaDB server of a test's own, from Debian's package; the template is what mariadb-install-db makes.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { buildOnce } from './build-once.ts'
import { cacheDir } from './cache-dir.ts'
import { startDatabaseServer, userArgs } from './database-server.ts'
import type { DatabaseServer, DatabaseServerOptions } from './database-server.ts'
import { findBinary } from './find-binary.ts'
import { runCommand } from './run-command.ts'

const LOG_SIZE = '--innodb-log-file-size=16M'

export async function startMariadb(options: DatabaseServerOptions = {}): Promise<DatabaseServer> {
  const program = {
    name: 'mariadb',
    command: findBinary('mariadbd', 'mariadb-server-core'),
    args: ['--no-defaults', '--skip-name-resolve', LOG_SIZE],
    templateDir: await ensureMariadb(),
  } as const
  return startDatabaseServer(program, options)
}

/** Makes the template that every data directory is copied from. */
async function ensureMariadb(): Promise<string> {
  const installer = findBinary('mariadb-install-db', 'mariadb-server-core')
  const version = await runCommand(findBinary('mariadbd', 'mariadb-server-core'), ['--no-defaults', '--version'])
  const name = /Ver (\S+)/.exec(version)?.[1] ?? 'unknown'
  return buildOnce({
    path: join(cacheDir(), 'mariadb', name),
    what: `the data directory template of MariaDB ${name}`,
    build: async (dir) => {
      await mkdir(dir, { recursive: true })
      const options = ['--auth-root-authentication-method=normal', '--skip-test-db', LOG_SIZE]
      await runCommand(installer, ['--no-defaults', ...userArgs(), `--datadir=${dir}`, ...options])
    },
  })
}
