// A MariaDB server of a test's own, from a template that mariadb-install-db made once. Root has no password and
// listens on loopback only. Every commit survives a SIGKILL of the server (not of the machine).

import { cp, mkdir } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { createConnection } from 'mariadb'
import type { Connection } from 'mariadb'
import { buildOnce } from './build-once.ts'
import { cacheDir } from './cache-dir.ts'
import type { IssuedCertificate } from './certificate-authority.ts'
import { findBinary } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { createRunDir, startLocalServer } from './local-server.ts'
import type { LocalServer } from './local-server.ts'
import { runCommand } from './run-command.ts'

export type MariadbOptions = {
  port?: number
  /** Accepts TLS connections; whether plain ones are refused says `isTlsRequired`. */
  tls?: ServerTls
  isTlsRequired?: boolean
  /** Kept on stop; filled from the template when absent. Without it the data is thrown away. */
  dataDir?: string
  /** More arguments for mariadbd; they win. */
  args?: string[]
  /** As in LocalServerOptions. */
  commandPrefix?: readonly string[]
}

export type ServerTls = Pick<IssuedCertificate, 'certFile' | 'keyFile' | 'caFile'>

export type TestDatabase = { name: string; dsn: string; drop: () => Promise<void> }

export interface MariadbServer extends LocalServer {
  readonly host: string
  readonly port: number
  /** `mysql://root@127.0.0.1:PORT/database`. */
  dsn(database: string): string
  createDatabase(name?: string): Promise<TestDatabase>
}

/** Serves what every suite, service and pool of a run opens at once. */
const MAX_CONNECTIONS = 500
const CONNECT_TIMEOUT_MS = 2_000

export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const runDir = createRunDir('mariadb')
  const port = options.port ?? (await freePort())
  const dataDir = options.dataDir ?? join(runDir.path, 'data')
  const server = await fillDataDir(dataDir)
    .then(() =>
      startLocalServer({
        name: 'mariadb',
        runDir,
        command: findBinary('mariadbd', 'mariadb-server-core'),
        args: serverArgs(runDir.path, dataDir, port, options),
        commandPrefix: options.commandPrefix,
        probe: () => withConnection(port, options.tls, async (connection) => void (await connection.query('SELECT 1'))),
        isOrderlyStop: options.dataDir !== undefined,
      }),
    )
    .catch((error: unknown) => {
      runDir.remove()
      throw error
    })
  return Object.assign(server, mariadbAddress(port, options.tls))
}

/** What a client needs of a server on this port, whoever started it. */
export function mariadbAddress(
  port: number,
  tls?: ServerTls,
): Pick<MariadbServer, 'host' | 'port' | 'dsn' | 'createDatabase'> {
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

/** Makes the template that every data directory is copied from. */
export async function ensureMariadb(): Promise<string> {
  const installer = findBinary('mariadb-install-db', 'mariadb-server-core')
  const version = await runCommand(findBinary('mariadbd', 'mariadb-server-core'), ['--no-defaults', '--version'])
  const name = /Ver (\S+)/.exec(version)?.[1] ?? 'unknown'
  return buildOnce({
    path: join(cacheDir(), 'mariadb', name),
    what: `the data directory template of MariaDB ${name}`,
    build: async (dir) => {
      await mkdir(dir, { recursive: true })
      const options = ['--auth-root-authentication-method=normal', '--skip-test-db', '--innodb-log-file-size=16M']
      await runCommand(installer, ['--no-defaults', ...userArgs(), `--datadir=${dir}`, ...options])
    },
  })
}

async function fillDataDir(dataDir: string): Promise<void> {
  const template = await ensureMariadb()
  if (!existsSync(join(dataDir, 'mysql'))) await cp(template, dataDir, { recursive: true })
}

function serverArgs(runDir: string, dataDir: string, port: number, options: MariadbOptions): string[] {
  const { tls, isTlsRequired, args = [] } = options
  return [
    '--no-defaults',
    ...userArgs(),
    `--datadir=${dataDir}`,
    `--socket=${join(runDir, 'mariadb.sock')}`,
    `--pid-file=${join(runDir, 'mariadb.pid')}`,
    // A server that starts deletes temporary tables in this folder, whoever's they are.
    `--tmpdir=${runDir}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
    '--character-set-server=utf8mb4',
    `--max-connections=${MAX_CONNECTIONS}`,
    '--innodb-buffer-pool-size=64M',
    '--innodb-log-file-size=16M',
    '--innodb-flush-log-at-trx-commit=2',
    '--skip-log-bin',
    ...(tls ? [`--ssl-cert=${tls.certFile}`, `--ssl-key=${tls.keyFile}`, `--ssl-ca=${tls.caFile}`] : []),
    ...(isTlsRequired ? ['--require-secure-transport=ON'] : []),
    ...args,
  ]
}

/** MariaDB refuses to run as root unless it is told to. */
function userArgs(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
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
