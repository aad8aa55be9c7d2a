// Servers that a whole test run shares. The runner starts them once and names them in the environment; a suite asks
// here and gets a database, key prefix or topic prefix that no other suite has. A suite that runs alone, without the
// variables, gets servers of its own, which end with it. Whoever kills a server starts its own with `startX`.

import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { Redis } from 'ioredis'
import { readTestkitConfig, SHARED_SERVER_VARIABLES } from '../config.ts'
import { databaseAddress } from './database-server.ts'
import type { DatabaseServer, TestDatabase } from './database-server.ts'
import { kafkaTopics, startKafka } from './kafka-server.ts'
import type { KafkaTopics } from './kafka-server.ts'
import { startMariadb } from './mariadb-server.ts'
import { startMysqlIfAny } from './mysql-server.ts'
import { redisAddress, startRedis } from './redis-server.ts'
import type { RedisServer } from './redis-server.ts'

/** The suite's own database, and the means to make more of them. */
export type SharedMariadb = SharedDatabases & { database: TestDatabase }

type SharedDatabases = Pick<DatabaseServer, 'host' | 'port' | 'dsn' | 'createDatabase'>

/** One of the servers that SQL has to work on. */
export type SqlServer = {
  name: 'MariaDB' | 'MySQL'
  /** The reason why there is none here; goes into the option of this name of `describe` and `test`. */
  skip: string | false
  createDatabase(): Promise<SqlServerDatabase>
}

/** As every client of ours takes it. */
export type SqlServerDatabase = { host: string; port: number; user: string; password: string; database: string }

/** Every key and channel of the suite begins with `prefix`. */
export type SharedRedis = Pick<RedisServer, 'host' | 'port' | 'dsn'> & { prefix: string }

/** Every topic and group of the suite begins with `prefix`; `createTopic` and `recordCount` take the whole name. */
export type SharedKafka = KafkaTopics & { brokers: string[]; prefix: string }

export interface TestServers extends AsyncDisposable {
  /** The variables that hand the servers on to test processes. */
  readonly env: Record<string, string>
  stop(): Promise<void>
}

/** For the runner: all at once, MySQL if it is wanted and can be had. */
export async function startTestServers({ isMysqlWanted = false } = {}): Promise<TestServers> {
  const started = await Promise.allSettled([
    startMariadb().then((server) => ({ server, env: { [SHARED_SERVER_VARIABLES.mariadb]: String(server.port) } })),
    startRedis().then((server) => ({ server, env: { [SHARED_SERVER_VARIABLES.redis]: String(server.port) } })),
    startKafka().then((server) => ({ server, env: { [SHARED_SERVER_VARIABLES.kafka]: server.brokers.join(',') } })),
    ...(isMysqlWanted ? [startSharedMysql()] : []),
  ])
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async () => void (await Promise.all(running.map(({ server }) => server?.stop())))
  if (running.length < started.length) {
    await stop()
    throw new AggregateError(started.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])))
  }
  const env = Object.assign({}, ...running.map((shared) => shared.env)) as Record<string, string>
  return { env, stop, [Symbol.asyncDispose]: stop }
}

async function startSharedMysql(): Promise<{ server: DatabaseServer | null; env: Record<string, string> }> {
  const mysql = await startMysqlIfAny()
  return 'missing' in mysql
    ? { server: null, env: { [SHARED_SERVER_VARIABLES.mysqlMissing]: mysql.missing } }
    : { server: mysql, env: { [SHARED_SERVER_VARIABLES.mysql]: String(mysql.port) } }
}

/** Call it at the top of a test file or inside `describe`: the clean-up belongs to the place of the call. */
export function useMariadb(): Promise<SharedMariadb> {
  const cleanUps = cleanUpAfterSuite()
  return openMariadb(cleanUps)
}

/** MariaDB, and MySQL 9 where it can be had. At the top of a test file only: the runner prepares MySQL for files that call this. */
export async function useSqlServers(): Promise<SqlServer[]> {
  const cleanUps = cleanUpAfterSuite()
  const { mariadbPort, mysqlPort } = readTestkitConfig()
  const mariadb = shareDatabases(cleanUps, mariadbPort ?? (await startMariadb()))
  const mysql = mysqlPort ?? (await startMysqlIfAny())
  return [
    sqlServer('MariaDB', mariadb),
    typeof mysql === 'object' && 'missing' in mysql
      ? { name: 'MySQL', skip: mysql.missing, createDatabase: () => Promise.reject(new Error(mysql.missing)) }
      : sqlServer('MySQL', shareDatabases(cleanUps, mysql)),
  ]
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
  const databases = shareDatabases(cleanUps, readTestkitConfig().mariadbPort ?? (await startMariadb()))
  return { ...databases, database: await databases.createDatabase() }
}

/** By its port a server that others use too: databases are dropped one by one. Else the suite's own, which ends with it. */
function shareDatabases(cleanUps: CleanUps, server: number | DatabaseServer): SharedDatabases {
  if (typeof server === 'object') {
    cleanUps.push(() => server.stop())
    const { host, port, dsn, createDatabase } = server
    return { host, port, dsn, createDatabase }
  }
  const address = databaseAddress(server)
  return {
    ...address,
    async createDatabase(name) {
      const database = await address.createDatabase(name)
      cleanUps.push(() => database.drop())
      return database
    },
  }
}

function sqlServer(name: SqlServer['name'], { host, port, createDatabase }: SharedDatabases): SqlServer {
  return {
    name,
    skip: false,
    createDatabase: async () => ({
      host,
      port,
      user: 'root',
      password: '',
      database: (await createDatabase()).name,
    }),
  }
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
