// A MySQL 9 server of a test's own. Of Debian only sid has one and it wants a newer libc than the machine's, so it is unpacked
// into the cache with its libraries and runs by their loader. Where that does not work out there is a reason and no MySQL.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readTestkitConfig } from '../config.ts'
import { buildOnce } from './build-once.ts'
import { cacheDir } from './cache-dir.ts'
import { startDatabaseServer, userArgs } from './database-server.ts'
import type { DatabaseProgram, DatabaseServer, DatabaseServerOptions } from './database-server.ts'
import { debianSource } from './debian-source.ts'
import { unpackDebianPackages } from './debian-packages.ts'
import { runCommand } from './run-command.ts'

export type MysqlInstallation = DatabaseProgram | { missing: string }

/** An empty cache is filled in 8 s; a mirror this slow is as good as none. */
const INSTALL_TIMEOUT_MS = 120_000
/** What mysqld's packages want for scripts that nobody runs here. */
const SCRIPTING = /^(perl|libperl|libgdbm|libdb|debconf|dpkg|tar$)/

/** Never rejects: `missing` says in a sentence why MySQL cannot be had. */
export async function ensureMysql(): Promise<MysqlInstallation> {
  const { mysqlMissing } = readTestkitConfig()
  if (mysqlMissing !== undefined) return { missing: mysqlMissing }
  try {
    if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('it is unpacked on x64 Linux only')
    const dir = await buildOnce({
      path: join(cacheDir(), 'mysql', 'sid'),
      what: 'MySQL (49 MB, from Debian sid)',
      build: install,
    })
    return programIn(dir)
  } catch (error) {
    return { missing: `MySQL cannot be had here: ${firstLineOf(error)}` }
  }
}

/** @throws where it cannot be had. */
export async function startMysql(options: DatabaseServerOptions = {}): Promise<DatabaseServer> {
  const program = await ensureMysql()
  if ('missing' in program) throw new Error(program.missing)
  return startDatabaseServer(program, options)
}

/** For suites that go on without it: a sid that does not run here is as one that is not there. */
export async function startMysqlIfAny(): Promise<DatabaseServer | { missing: string }> {
  return startMysql().catch((error: unknown) => ({ missing: firstLineOf(error) }))
}

async function install(dir: string): Promise<void> {
  const root = join(dir, 'root')
  const signal = AbortSignal.timeout(INSTALL_TIMEOUT_MS)
  await mkdir(dir, { recursive: true })
  await unpackDebianPackages({
    source: await debianSource('sid'),
    packages: ['mysql-server-core'],
    without: SCRIPTING,
    root,
    scratchDir: join(dir, 'apt'),
    signal,
  })
  // Tools and manuals, a third of it all.
  for (const unused of ['usr/bin', 'usr/share/doc', 'usr/share/man', 'usr/share/locale'])
    await rm(join(root, unused), { recursive: true, force: true })
  const { command, args, templateDir } = programIn(dir)
  const version = await runCommand(command, [...args, '--version'], { signal })
  if (!/Ver 9\./.test(version)) throw new Error(`Debian sid has another one: ${version}`)
  await runCommand(command, [...args, ...userArgs(), '--initialize-insecure', `--datadir=${templateDir}`], { signal })
}

function programIn(dir: string): DatabaseProgram {
  const usr = join(dir, 'root/usr')
  const libraries = join(usr, 'lib/x86_64-linux-gnu')
  return {
    name: 'mysql',
    command: join(libraries, 'ld-linux-x86-64.so.2'),
    args: [
      '--library-path',
      libraries,
      join(usr, 'sbin/mysqld'),
      '--no-defaults',
      `--basedir=${usr}`,
      `--lc-messages-dir=${join(usr, 'share/mysql')}`,
      `--character-sets-dir=${join(usr, 'share/mysql/charsets')}`,
      `--plugin-dir=${join(usr, 'lib/mysql/plugin')}`,
      '--secure-file-priv=NULL',
      '--mysqlx=OFF',
      '--performance-schema=OFF',
      '--innodb-redo-log-capacity=16M',
    ],
    templateDir: join(dir, 'template'),
  }
}

function firstLineOf(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0] ?? ''
}
