// A master, one replica and three Sentinels that fail over within about two seconds of the master's death.

import { startRedis, startSentinel } from './redis-server.ts'
import type { RedisServer, RedisServerOptions } from './redis-server.ts'
import { freePort } from './free-port.ts'
import { until } from '../until.ts'

export interface RedisSentinelServers extends AsyncDisposable {
  readonly masterName: string
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly sentinels: RedisServer[]
  /** `host:port` of every Sentinel. */
  readonly addresses: string[]
  /** The port that the Sentinels name as the master's now. */
  currentMasterPort(): Promise<number>
  stop(): Promise<void>
}

const SENTINELS = 3
const QUORUM = 2
const DOWN_AFTER_MS = 500
const FAILOVER_TIMEOUT_MS = 3_000
/** Sentinels announce themselves every two seconds; until then no majority can be found. */
const FORM_TIMEOUT_MS = 20_000

export async function startRedisSentinel(
  options: Pick<RedisServerOptions, 'tls' | 'password'> & { masterName?: string } = {},
): Promise<RedisSentinelServers> {
  const { masterName = 'mymaster', ...shared } = options
  const started: RedisServer[] = []
  const stop = async () => void (await Promise.all(started.map((server) => server.stop())))
  const keep = (server: RedisServer) => (started.push(server), server)
  try {
    const master = keep(await startRedis(shared))
    const replica = keep(await startRedis({ ...shared, args: ['--replicaof', master.host, `${master.port}`] }))
    const config = sentinelConfig(masterName, master, options)
    const tls = shared.tls ? { tls: shared.tls } : {}
    const ports = await Promise.all(Array.from({ length: SENTINELS }, freePort))
    const sentinels = await Promise.all(ports.map(async (port) => keep(await startSentinel(config, { ...tls, port }))))
    await until(async () => (await Promise.all(sentinels.map((one) => knowsAll(one, masterName)))).every(Boolean), {
      what: 'the Sentinels to find each other',
      timeoutMs: FORM_TIMEOUT_MS,
      intervalMs: 50,
    })
    return {
      masterName,
      master,
      replica,
      sentinels,
      addresses: sentinels.map(({ port }) => `127.0.0.1:${port}`),
      currentMasterPort: () => askMasterPort(sentinels, masterName),
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function sentinelConfig(name: string, master: RedisServer, { password }: RedisServerOptions): string[] {
  return [
    `sentinel monitor ${name} ${master.host} ${master.port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${name} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${name} ${FAILOVER_TIMEOUT_MS}`,
    ...(password ? [`sentinel auth-pass ${name} ${password}`] : []),
  ]
}

async function knowsAll(sentinel: RedisServer, masterName: string): Promise<boolean> {
  const fields = (await askOnce(sentinel, 'MASTER', masterName)) as string[]
  const field = (name: string) => Number(fields[fields.indexOf(name) + 1])
  return field('num-other-sentinels') === SENTINELS - 1 && field('num-slaves') === 1
}

async function askMasterPort(sentinels: RedisServer[], masterName: string): Promise<number> {
  const alive = sentinels.find((sentinel) => sentinel.isRunning)
  if (!alive) throw new Error('no Sentinel is running')
  const [, port] = (await askOnce(alive, 'GET-MASTER-ADDR-BY-NAME', masterName)) as string[]
  return Number(port)
}

async function askOnce(sentinel: RedisServer, command: string, masterName: string): Promise<unknown> {
  const client = sentinel.connect()
  try {
    return await client.call('SENTINEL', command, masterName)
  } finally {
    client.disconnect()
  }
}
