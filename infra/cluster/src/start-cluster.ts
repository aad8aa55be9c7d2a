import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@gpt-load/testkit/servers/free-port'
import { startKafka } from '@gpt-load/testkit/servers/kafka-server'
import type { KafkaOptions, KafkaServer } from '@gpt-load/testkit/servers/kafka-server'
import type { DatabaseServer } from '@gpt-load/testkit/servers/database-server'
import { startMariadb } from '@gpt-load/testkit/servers/mariadb-server'
import { startMysql } from '@gpt-load/testkit/servers/mysql-server'
import { startRedis } from '@gpt-load/testkit/servers/redis-server'
import type { RedisServer } from '@gpt-load/testkit/servers/redis-server'
import { spareTimePrefix } from '@gpt-load/testkit/spare-time'
import { startService } from './service-process.ts'
import type { ServiceProcess } from './service-process.ts'

/**
 * The real cluster on one machine, without containers: MariaDB (or MySQL), Redis, Kafka, then our services as processes of their own.
 * `npm run cluster` and the end-to-end suite use it alike. Secrets are random per cluster; nothing outlives it.
 */
export type ClusterOptions = {
  /** Admin key; random when absent. */
  authKey?: string
  edges?: number
  configServices?: number
  logIngests?: number
  /** More environment for every edge, config-service or log-ingest. */
  edgeEnv?: Record<string, string>
  configServiceEnv?: Record<string, string>
  logIngestEnv?: Record<string, string>
  /** MariaDB unless told; MySQL where testkit can have it. */
  database?: 'mariadb' | 'mysql'
  /** More arguments of the database server. */
  databaseArgs?: string[]
  /** Of the broker; a plain one unless told. */
  kafkaOptions?: KafkaOptions
  /**
   * These take only the time that nobody else wants: in production they have machines of their own, and whoever measures edges
   * wants none of their work in the figures.
   */
  inSpareTime?: readonly SpareTimeServer[]
  /** Fixed public ports for people; random free ones otherwise. */
  firstEdgePort?: number
  firstConfigServicePort?: number
  /** With the portal, at this port: it has to be built (`./gpt-load build-portal`). */
  portalPort?: number
  onLine?: (line: string) => void
  log?: (message: string) => void
}

export type SpareTimeServer = 'database' | 'kafka' | 'log-ingest'
export type ClusterSecrets = { authKey: string; encryptionKey: string; edgeToken: string }
export type EdgeProcess = ServiceProcess & { readonly url: string; readonly adminUrl: string; readonly port: number }
export type ConfigServiceProcess = ServiceProcess & {
  readonly url: string
  readonly internalUrl: string
  readonly adminUrl: string
}
export type LogIngestProcess = ServiceProcess & { readonly adminUrl: string }

export type PortalProcess = ServiceProcess & { readonly url: string }

export interface Cluster extends AsyncDisposable {
  readonly secrets: ClusterSecrets
  readonly databaseServer: DatabaseServer
  readonly redis: RedisServer
  readonly kafka: KafkaServer
  readonly databaseDsn: string
  readonly databaseName: string
  readonly topicPrefix: string
  readonly edges: EdgeProcess[]
  readonly configServices: ConfigServiceProcess[]
  readonly logIngests: LogIngestProcess[]
  /** Null unless it was asked for. */
  readonly portal: PortalProcess | null
  /** One more edge, started with nothing but its own environment; `commandPrefix` as in ServiceOptions. */
  addEdge(env?: Record<string, string>, commandPrefix?: readonly string[]): Promise<EdgeProcess>
  addConfigService(): Promise<ConfigServiceProcess>
  addLogIngest(): Promise<LogIngestProcess>
  /** Output of all services, over all their lives. */
  output(): string
  stop(): Promise<void>
}

const databaseName = 'gptload'

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const log = options.log ?? (() => {})
  const stack = new AsyncDisposableStack()
  try {
    const { database = 'mariadb', databaseArgs: args = [] } = options
    log(`starting ${database === 'mysql' ? 'MySQL' : 'MariaDB'}, Redis and Kafka …`)
    const startDatabase = database === 'mysql' ? startMysql : startMariadb
    const started = await Promise.allSettled([
      startDatabase({ args, commandPrefix: prefixOf('database', options) }),
      startRedis(),
      startKafka({ commandPrefix: prefixOf('kafka', options), ...options.kafkaOptions }),
    ])
    for (const result of started) if (result.status === 'fulfilled') stack.use(result.value)
    const [databaseServer, redis, kafka] = started.map(valueOf) as [DatabaseServer, RedisServer, KafkaServer]
    const snapshotDir = await mkdtemp(join(tmpdir(), 'gpt-load-snapshot-'))
    stack.defer(() => rm(snapshotDir, { recursive: true, force: true }))
    const { dsn } = await databaseServer.createDatabase(databaseName)
    const parts: ClusterParts = {
      options,
      stack,
      databaseServer,
      redis,
      kafka,
      databaseDsn: dsn,
      snapshotDir,
      secrets: createSecrets(options.authKey),
      log,
    }
    return await startServices(parts)
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

const prefixOf = (server: SpareTimeServer, { inSpareTime = [] }: ClusterOptions) =>
  inSpareTime.includes(server) ? spareTimePrefix : []

type ClusterParts = Pick<Cluster, 'databaseServer' | 'redis' | 'kafka' | 'databaseDsn' | 'secrets'> & {
  options: ClusterOptions
  stack: AsyncDisposableStack
  snapshotDir: string
  log: (message: string) => void
}

function valueOf(result: PromiseSettledResult<unknown>): unknown {
  if (result.status === 'rejected') throw result.reason
  return result.value
}

function createSecrets(authKey?: string): ClusterSecrets {
  const secret = (bytes: number) => randomBytes(bytes).toString('base64url')
  return { authKey: authKey ?? secret(24), encryptionKey: secret(32), edgeToken: secret(36) }
}

async function startServices(parts: ClusterParts): Promise<Cluster> {
  const { options, stack, log } = parts
  const configServices: ConfigServiceProcess[] = []
  const logIngests: LogIngestProcess[] = []
  const edges: EdgeProcess[] = []
  const adopt = async <T extends ServiceProcess>(list: T[], starting: Promise<T>): Promise<T> => {
    const service = await starting
    // Ended before the servers that it uses, whatever order it was added in.
    stack.use(service)
    list.push(service)
    return service
  }
  const addConfigService = () => adopt(configServices, startConfigService(parts, configServices.length))
  const addLogIngest = () => adopt(logIngests, startLogIngest(parts, logIngests.length))
  const addEdge: Cluster['addEdge'] = (env = {}, commandPrefix = []) =>
    adopt(edges, startEdge(parts, edges.length, configServices, env, commandPrefix))

  log('starting config-service, log-ingest and edges …')
  for (let n = 0; n < (options.configServices ?? 2); n += 1) await addConfigService()
  for (let n = 0; n < (options.logIngests ?? 1); n += 1) await addLogIngest()
  for (let n = 0; n < (options.edges ?? 2); n += 1) await addEdge()
  const portal = options.portalPort === undefined ? null : await startPortal(parts, options.portalPort, configServices)
  if (portal !== null) stack.use(portal)
  const stop = () => stack.disposeAsync()
  return {
    ...parts,
    databaseName,
    topicPrefix: topicPrefix,
    edges,
    configServices,
    logIngests,
    portal,
    addEdge,
    addConfigService,
    addLogIngest,
    stop,
    output: () => [...configServices, ...logIngests, ...edges].map((service) => service.output()).join('\n'),
    [Symbol.asyncDispose]: stop,
  }
}

const topicPrefix = 'gptload.'

async function startPortal(
  { options }: ClusterParts,
  port: number,
  configServices: readonly ConfigServiceProcess[],
): Promise<PortalProcess> {
  const [adminPort] = (await freePorts(1)) as [number]
  const service = await startService({
    name: 'admin-portal',
    service: 'admin-portal',
    readyUrl: `http://127.0.0.1:${adminPort}/readyz`,
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    env: {
      HOST: '127.0.0.1',
      PORT: String(port),
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      CONFIG_SERVICE_URLS: configServices.map(({ url }) => url).join(','),
    },
  })
  return Object.assign(service, { url: `http://127.0.0.1:${port}` })
}

async function startConfigService(parts: ClusterParts, index: number): Promise<ConfigServiceProcess> {
  const [free, internalPort, adminPort] = (await freePorts(3)) as [number, number, number]
  const { options, secrets } = parts
  const port = options.firstConfigServicePort === undefined ? free : options.firstConfigServicePort + index
  const urls = {
    url: `http://127.0.0.1:${port}`,
    internalUrl: `http://127.0.0.1:${internalPort}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
  }
  const service = await startService({
    name: `config-service-${index + 1}`,
    service: 'config-service',
    readyUrl: `${urls.adminUrl}/readyz`,
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    env: {
      HOST: '127.0.0.1',
      PORT: String(port),
      INTERNAL_HOST: '127.0.0.1',
      INTERNAL_PORT: String(internalPort),
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      DATABASE_DSN: parts.databaseDsn,
      REDIS_DSN: redisDsn(parts.redis),
      AUTH_KEY: secrets.authKey,
      ENCRYPTION_KEY: secrets.encryptionKey,
      EDGE_TOKEN: secrets.edgeToken,
      ...options.configServiceEnv,
    },
  })
  return Object.assign(service, urls)
}

async function startLogIngest(parts: ClusterParts, index: number): Promise<LogIngestProcess> {
  const [adminPort] = (await freePorts(1)) as [number]
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const service = await startService({
    name: `log-ingest-${index + 1}`,
    service: 'log-ingest',
    commandPrefix: prefixOf('log-ingest', parts.options),
    readyUrl: `${adminUrl}/readyz`,
    ...(parts.options.onLine === undefined ? {} : { onLine: parts.options.onLine }),
    env: {
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      DATABASE_DSN: parts.databaseDsn,
      KAFKA_BROKERS: parts.kafka.brokers.join(','),
      KAFKA_TOPIC_PREFIX: topicPrefix,
      ...parts.options.logIngestEnv,
    },
  })
  return Object.assign(service, { adminUrl })
}

async function startEdge(
  parts: ClusterParts,
  index: number,
  configServices: readonly ConfigServiceProcess[],
  env: Record<string, string>,
  commandPrefix: readonly string[],
): Promise<EdgeProcess> {
  const [free, adminPort] = (await freePorts(2)) as [number, number]
  const { options, secrets } = parts
  const port = options.firstEdgePort === undefined ? free : options.firstEdgePort + index
  const urls = { url: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${adminPort}`, port }
  const service = await startService({
    name: `edge-${index + 1}`,
    service: 'proxy-edge',
    commandPrefix,
    readyUrl: `${urls.adminUrl}/readyz`,
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    env: {
      HOST: '127.0.0.1',
      PORT: String(port),
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      EDGE_NAME: `edge-${index + 1}`,
      EDGE_TOKEN: secrets.edgeToken,
      CONFIG_SERVICE_URLS: configServices.map(({ internalUrl }) => internalUrl).join(','),
      REDIS_DSN: redisDsn(parts.redis),
      KAFKA_BROKERS: parts.kafka.brokers.join(','),
      KAFKA_TOPIC_PREFIX: topicPrefix,
      SNAPSHOT_STORE: `file:${parts.snapshotDir}`,
      WORKERS: '1',
      // No balancer stands before these edges: nothing has to be waited for.
      DRAIN_DELAY_MS: '0',
      ...options.edgeEnv,
      ...env,
    },
  })
  return Object.assign(service, urls)
}

const redisDsn = (redis: RedisServer) => `redis://${redis.host}:${redis.port}/0`
