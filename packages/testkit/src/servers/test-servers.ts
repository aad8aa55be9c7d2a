// Servers that a whole test run shares. The runner starts them once and names them in the environment; a suite asks
// here and gets a database, key prefix or topic prefix that no other suite has. A suite that runs alone, without the
// variables, gets servers of its own, which end with it. Whoever kills a server starts its own with `startX`.

import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { Redis } from 'ioredis'
import { readTestkitConfig, SHARED_SERVER_VARIABLES } from '../config.ts'
import { kafkaTopics, startKafka } from './kafka-server.ts'
import type { KafkaTopics } from './kafka-server.ts'
import { mariadbAddress, startMariadb } from './mariadb-server.ts'
import type { MariadbServer, TestDatabase } from './mariadb-server.ts'
import { redisAddress, startRedis } from './redis-server.ts'
import type { RedisServer } from './redis-server.ts'

/** The suite's own database, and the means to make more of them. */
export type SharedMariadb = Pick<MariadbServer, 'host' | 'port' | 'dsn' | 'createDatabase'> & { database: TestDatabase }

/** Every key and channel of the suite begins with `prefix`. */
export type SharedRedis = Pick<RedisServer, 'host' | 'port' | 'dsn'> & { prefix: string }

/** Every topic and group of the suite begins with `prefix`; `createTopic` and `recordCount` take the whole name. */
export type SharedKafka = KafkaTopics & { brokers: string[]; prefix: string }

export interface TestServers extends AsyncDisposable {
  /** The variables that hand the servers on to test processes. */
  readonly env: Record<string, string>
  stop(): Promise<void>
}

/** For the runner: all three at once. */
export async function startTestServers(): Promise<TestServers> {
  const started = await Promise.allSettled([startMariadb(), startRedis(), startKafka()])
  const servers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())))
  const [mariadb, redis, kafka] = started
  if (mariadb.status === 'rejected' || redis.status === 'rejected' || kafka.status === 'rejected') {
    await stop()
    throw new AggregateError(started.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])))
  }
  const env = {
    [SHARED_SERVER_VARIABLES.mariadb]: String(mariadb.value.port),
    [SHARED_SERVER_VARIABLES.redis]: String(redis.value.port),
    [SHARED_SERVER_VARIABLES.kafka]: kafka.value.brokers.join(','),
  }
  return { env, stop, [Symbol.asyncDispose]: stop }
}

/** Call it at the top of a test file or inside `describe`: the clean-up belongs to the place of the call. */
export function useMariadb(): Promise<SharedMariadb> {
  const cleanUps = cleanUpAfterSuite()
  return openMariadb(cleanUps)
}

export function useRedis(): Promise<SharedRedis> {
  const cleanUps = cleanUpAfterSuite()
  return openRedis(cleanUps)
}

export function useKafka(): Promise<SharedKafka> {
  const cleanUps = cleanUpAfterSuite()
  return openKafka(cleanUps)
}

type CleanUps = (() => Promise<unknown>)[]

/** `after` counts for the suite in which it is called, so it is called before anything is awaited. */
function cleanUpAfterSuite(): CleanUps {
  const cleanUps: CleanUps = []
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })
  return cleanUps
}

async function openMariadb(cleanUps: CleanUps): Promise<SharedMariadb> {
  const { mariadbPort } = readTestkitConfig()
  if (mariadbPort === undefined) {
    const server = await startMariadb()
    cleanUps.push(() => server.stop())
    const { host, port, dsn, createDatabase } = server
    return { host, port, dsn, createDatabase, database: await createDatabase() }
  }
  const server = mariadbAddress(mariadbPort)
  const createDatabase = async (name?: string) => {
    const database = await server.createDatabase(name)
    cleanUps.push(() => database.drop())
    return database
  }
  return { ...server, createDatabase, database: await createDatabase() }
}

async function openRedis(cleanUps: CleanUps): Promise<SharedRedis> {
  const { redisPort } = readTestkitConfig()
  const prefix = ownPrefix(':')
  if (redisPort === undefined) {
    const server = await startRedis()
    cleanUps.push(() => server.stop())
    return { ...redisAddress(server.port), prefix }
  }
  const address = redisAddress(redisPort)
  cleanUps.push(() => removeKeys(address.dsn, prefix))
  return { ...address, prefix }
}

async function openKafka(cleanUps: CleanUps): Promise<SharedKafka> {
  const { kafkaBrokers } = readTestkitConfig()
  const prefix = ownPrefix('-')
  if (kafkaBrokers !== undefined) return { ...kafkaTopics(kafkaBrokers), brokers: kafkaBrokers, prefix }
  const server = await startKafka()
  cleanUps.push(() => server.stop())
  return { ...kafkaTopics(server.brokers), brokers: server.brokers, prefix }
}

async function removeKeys(dsn: string, prefix: string): Promise<void> {
  const client = new Redis(dsn)
  try {
    for await (const keys of client.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (keys.length > 0) await client.unlink(keys as string[])
    }
  } finally {
    client.disconnect()
  }
}

function ownPrefix(separator: string): string {
  return `suite-${randomBytes(5).toString('hex')}${separator}`
}
