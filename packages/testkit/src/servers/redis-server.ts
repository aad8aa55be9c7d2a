// A Redis server of a test's own. Data does not outlive a restart unless `isPersistent` is set: then every write is
// on disk before it is answered.

import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { readFile, writeFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import { findBinary, lookUpBinary } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { createRunDir, startLocalServer } from './local-server.ts'
import type { LocalServer, RunDir } from './local-server.ts'
import type { ServerTls } from './database-server.ts'

export type RedisServerOptions = {
  port?: number
  /** TLS only: the port takes no plain connection then. */
  tls?: ServerTls
  password?: string
  /** Append-only file, flushed on each write. */
  isPersistent?: boolean
  /** Cluster mode with this cluster bus port; `startRedisCluster` joins such nodes. */
  cluster?: { busPort: number; nodeTimeoutMs: number }
  /** More arguments for redis-server; they win. */
  args?: string[]
}

/** ioredis types this one option so that exact optional properties do not fit it. */
export type RedisClientOptions = Omit<RedisOptions, 'replyMapping'>

export interface RedisServer extends LocalServer {
  readonly host: string
  readonly port: number
  /** `redis[s]://[:password@]127.0.0.1:PORT`. */
  readonly dsn: string
  /** A client of the server with its TLS and password; the caller ends it. */
  connect(options?: RedisClientOptions): Redis
}

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort())
  return startRedisProcess({
    name: 'redis',
    executable: 'redis-server',
    port,
    args: (dir) => redisArgs(dir, port, options),
    options,
  })
}

/** A Sentinel, which wants its configuration in a file that it may rewrite. */
export async function startSentinel(config: string[], options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort())
  return startRedisProcess({
    name: 'sentinel',
    executable: 'redis-sentinel',
    port,
    prepare: (dir) => writeFile(join(dir, 'sentinel.conf'), `${config.join('\n')}\n`),
    args: (dir) => [join(dir, 'sentinel.conf'), ...redisArgs(dir, port, options, 'sentinel')],
    options,
  })
}

type RedisProcess = {
  name: string
  executable: 'redis-server' | 'redis-sentinel'
  port: number
  prepare?: (dir: string) => Promise<void>
  args: (dir: string) => string[]
  options: RedisServerOptions
}

async function startRedisProcess(wanted: RedisProcess): Promise<RedisServer> {
  const runDir = createRunDir(wanted.name)
  const connect = await clientFactory(wanted.port, wanted.options)
  try {
    await wanted.prepare?.(runDir.path)
    const server = await startLocalServer({
      name: wanted.name,
      runDir,
      command: redisExecutable(runDir, wanted.executable),
      args: wanted.args(runDir.path),
      probe: () => ping(connect),
    })
    return Object.assign(server, redisAddress(wanted.port, wanted.options), { connect })
  } catch (error) {
    runDir.remove()
    throw error
  }
}

/** What a client needs of a server on this port, whoever started it. */
export function redisAddress(
  port: number,
  options: RedisServerOptions = {},
): Pick<RedisServer, 'host' | 'port' | 'dsn'> {
  const credentials = options.password ? `:${encodeURIComponent(options.password)}@` : ''
  return { host: '127.0.0.1', port, dsn: `${options.tls ? 'rediss' : 'redis'}://${credentials}127.0.0.1:${port}` }
}

function redisArgs(dir: string, port: number, options: RedisServerOptions, mode?: 'sentinel'): string[] {
  const { tls, password, isPersistent, cluster, args = [] } = options
  const ports = tls ? ['--port', '0', '--tls-port', `${port}`, ...tlsArgs(tls)] : ['--port', `${port}`]
  const address = ['--bind', '127.0.0.1', ...ports, '--dir', dir]
  if (mode === 'sentinel') return [...address, ...args]
  return [
    ...address,
    '--save',
    '',
    '--appendonly',
    isPersistent ? 'yes' : 'no',
    '--appendfsync',
    'always',
    ...(password ? ['--requirepass', password, '--masterauth', password] : []),
    ...(cluster ? ['--cluster-enabled', 'yes', '--cluster-config-file', join(dir, 'nodes.conf')] : []),
    ...(cluster ? ['--cluster-port', `${cluster.busPort}`, '--cluster-node-timeout', `${cluster.nodeTimeoutMs}`] : []),
    ...args,
  ]
}

function tlsArgs(tls: ServerTls): string[] {
  return [
    '--tls-cert-file',
    tls.certFile,
    '--tls-key-file',
    tls.keyFile,
    '--tls-ca-cert-file',
    tls.caFile,
    '--tls-auth-clients',
    'no',
    '--tls-replication',
    'yes',
    '--tls-cluster',
    'yes',
  ]
}

/**
 * Debian's redis-tools holds the server under another name: one binary that looks at argv[0], so a symbolic link
 * saves the redis-server package and the service that it would start.
 */
function redisExecutable(runDir: RunDir, name: 'redis-server' | 'redis-sentinel'): string {
  const installed = lookUpBinary(name)
  if (installed) return installed
  const link = join(runDir.path, name)
  if (!existsSync(link)) symlinkSync(findBinary('redis-check-rdb', 'redis-tools'), link)
  return link
}

async function clientFactory(port: number, { tls, password }: RedisServerOptions): Promise<RedisServer['connect']> {
  const ca = tls && (await readFile(tls.caFile, 'utf8'))
  const own = { host: '127.0.0.1', port, ...(password && { password }), ...(ca && { tls: { ca } }) }
  return (options = {}) => new Redis({ ...own, ...options })
}

async function ping(connect: RedisServer['connect']): Promise<void> {
  const client = connect({ lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  // The failed command tells the same; an unhandled event would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.ping()
  } finally {
    client.disconnect()
  }
}
