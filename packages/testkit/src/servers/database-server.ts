// What MariaDB and MySQL servers of a test's own have in common: a data directory from a template that was made once, root
// without password on loopback, little memory. Every commit survives a SIGKILL of the server (not of the machine).

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createConnection } from 'mariadb'
import type { Connection } from 'mariadb'
import type { IssuedCertificate } from './certificate-authority.ts'
import { freePort } from './free-port.ts'
import { createRunDir, startLocalServer } from './local-server.ts'
import type { LocalServer } from './local-server.ts'

export type DatabaseServerOptions = {
  port?: number
  /** Accepts TLS connections; whether plain ones are refused says `isTlsRequired`. */
  tls?: ServerTls
  isTlsRequired?: boolean
  /** Kept on stop; filled from the template when absent. Without it the data is thrown away. */
  dataDir?: string
  /** More arguments for the server; they win. */
  args?: string[]
  /** As in LocalServerOptions. */
  commandPrefix?: readonly string[]
}

export type ServerTls = Pick<IssuedCertificate, 'certFile' | 'keyFile' | 'caFile'>

export type TestDatabase = { name: string; dsn: string; drop: () => Promise<void> }

export interface DatabaseServer extends LocalServer {
  readonly host: string
  readonly port: number
  /** `mysql://root@127.0.0.1:PORT/database`. */
  dsn(database: string): string
  createDatabase(name?: string): Promise<TestDatabase>
}

/** The server as it is installed here. */
export type DatabaseProgram = {
  name: 'mariadb' | 'mysql'
  command: string
  /** Before all others. */
  args: readonly string[]
  templateDir: string
}

/** Serves what every suite, service and pool of a run opens at once. */
const MAX_CONNECTIONS = 500
/** A test process that is starved of CPU takes seconds for a handshake; a server that is not there refuses at once. */
const CONNECT_TIMEOUT_MS = 20_000

export async function startDatabaseServer(
  program: DatabaseProgram,
  options: DatabaseServerOptions,
): Promise<DatabaseServer> {
  const runDir = createRunDir(program.name)
  const port = options.port ?? (await freePort())
  const dataDir = options.dataDir ?? join(runDir.path, 'data')
  const server = await fillDataDir(dataDir, program)
    .then(() =>
      startLocalServer({
        name: program.name,
        runDir,
        command: program.command,
        args: [...program.args, ...serverArgs(runDir.path, dataDir, port, options)],
        commandPrefix: options.commandPrefix,
        probe: () => withConnection(port, options.tls, async (connection) => void (await connection.query('SELECT 1'))),
        isOrderlyStop: options.dataDir !== undefined,
      }),
    )
    .catch((error: unknown) => {
      runDir.remove()
      throw error
    })
  return Object.assign(server, databaseAddress(port, options.tls))
}

/** What a client needs of a server on this port, whoever started it. */
export function databaseAddress(
  port: number,
  tls?: ServerTls,
): Pick<DatabaseServer, 'host' | 'port' | 'dsn' | 'createDatabase'> {
  const dsn = (database: string) => `mysql://root@127.0.0.1:${port}/${database}`
  const execute = (sql: string) => withConnection(port, tls, async (connection) => void (await connection.query(sql)))
  return {
    host: '127.0.0.1',
    port,
    dsn,
    async createDatabase(name = `test_${randomBytes(6).toString('hex')}`) {
      await execute(`CREATE DATABASE \`${name}\``)
      return { name, dsn: dsn(name), drop: () => execute(`DROP DATABASE IF EXISTS \`${name}\``) }
    },
  }
}

/** Both refuse to run as root unless they are told to. */
export function userArgs(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}

async function fillDataDir(dataDir: string, { templateDir }: DatabaseProgram): Promise<void> {
  if (!existsSync(join(dataDir, 'mysql'))) await cp(templateDir, dataDir, { recursive: true })
}

function serverArgs(runDir: string, dataDir: string, port: number, options: DatabaseServerOptions): string[] {
  const { tls, isTlsRequired, args = [] } = options
  return [
    ...userArgs(),
    `--datadir=${dataDir}`,
    `--socket=${join(runDir, 'server.sock')}`,
    `--pid-file=${join(runDir, 'server.pid')}`,
    // A server that starts deletes temporary tables in this folder, whoever's they are.
    `--tmpdir=${runDir}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--character-set-server=utf8mb4',
    `--max-connections=${MAX_CONNECTIONS}`,
    '--innodb-buffer-pool-size=64M',
    '--innodb-flush-log-at-trx-commit=2',
    '--skip-log-bin',
    ...(tls ? [`--ssl-cert=${tls.certFile}`, `--ssl-key=${tls.keyFile}`, `--ssl-ca=${tls.caFile}`] : []),
    ...(isTlsRequired ? ['--require-secure-transport=ON'] : []),
    ...args,
  ]
}

async function withConnection(
  port: number,
  tls: ServerTls | undefined,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await createConnection({
    host: '127.0.0.1',
    port,
    user: 'root',
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(tls && { ssl: { ca: await readFile(tls.caFile, 'utf8') } }),
  })
  try {
    await use(connection)
  } finally {
    await connection.end()
  }
}
