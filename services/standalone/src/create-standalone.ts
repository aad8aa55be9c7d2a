// The whole system in one process: control plane, data plane and log pipeline, put together over SQLite and in-process adapters.
// A composition root and nothing else: what is opened registers its close where it is opened.

import { basename } from 'node:path'
import { openPortalFiles } from '@gpt-load/admin-portal/server/portal-files'
import { findWeakSecrets } from '@gpt-load/config-service/system/surroundings'
import { startLogMetrics } from '@gpt-load/config-service/logs/log-metrics'
import { createConfigService } from '@gpt-load/config-service/create-config-service'
import { applyConfig } from '@gpt-load/config-service/config/apply-config'
import { seedDefaultGroup, type DefaultGroupSeed } from '@gpt-load/config-service/config/seed-default-group'
import { createUndiciProbeSender } from '@gpt-load/config-service/probe/undici-probe-sender'
import { renderDiagnostic } from '@gpt-load/config-file/diagnostic'
import { loadConfigFile, type LoadedConfigFile } from '@gpt-load/config-file/load-config-file'
import { readRetention } from '@gpt-load/log-ingest/read-retention'
import { createDatabase } from '@gpt-load/database/create-database'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { openKeyring } from '@gpt-load/database/keyring'
import { createLogAccountReader } from '@gpt-load/database/logs/log-account-reader'
import { createRequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import { migrate } from '@gpt-load/database/migrate'
import { createThreadedSqlReader } from '@gpt-load/database/sql-client/threaded-sql-reader'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import { groupSettingNames } from '@gpt-load/contracts/settings'
import { createEdge, type Edge } from '@gpt-load/proxy-edge/create-edge'
import type { Clock } from '@gpt-load/service-kit/clock'
import { corsOptionsOf } from '@gpt-load/service-kit/cors-variables'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { createHealth, type Health } from '@gpt-load/service-kit/health'
import type { Lifecycle } from '@gpt-load/service-kit/lifecycle'
import type { Log } from '@gpt-load/service-kit/logger'
import { createMetrics, type Metrics } from '@gpt-load/service-kit/metrics'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import { createInProcessChangeFeed } from '@gpt-load/transport/in-process-change-feed'
import { openAdminKeys } from './admin-secret.ts'
import type { StandaloneConfig } from './config.ts'
import { startControlServer } from './control-server.ts'
import { createFirstAccessKey, firstAccessKey } from './first-start.ts'
import type { Greeting } from './greeting.ts'
import { findKeysFile, followKeysFile, openKeysFile } from './keys-file.ts'
import { startLogThread } from './log-thread-client.ts'
import type { Installation } from './open-installation.ts'

export type StandaloneOptions = {
  config: StandaloneConfig
  installation: Installation
  configFile: string | null
  /** For `${env:NAME}` in the configuration file. */
  environment: EnvironmentSource
  lifecycle: Lifecycle
  log: Log
  addSecret(secret: string): void
  clock: Clock
  version: string
  fail(error: unknown): void
}

const edgeName = 'standalone'
const closeSlackMs = 15_000
const settingsIntervalMs = 15_000
/** Older than this, a stored snapshot does not start an edge: there is none here. */
const maxSnapshotAgeMs = 86_400_000

export async function createStandalone(options: StandaloneOptions): Promise<Omit<Greeting, 'tookMs'>> {
  const { config, installation, clock, log } = options
  // Everything that can be wrong in files is found before anything is opened.
  const loaded = options.configFile === null ? null : await readConfigFile(options.configFile, options)
  const keysFile = await findKeysFile(config.KEYS_FILE, process.cwd())
  const metrics = createMetrics()
  const health = createHealth({ clock, scrub: log.scrub })
  const plane = await openControlPlane(options, health)
  await configure(options, plane, { loaded, keysFile })
  const edge = await openDataPlane(options, plane, { metrics, health })
  const { dataDir } = installation
  return {
    url: `${config.TLS_CERT === '' ? 'http' : 'https'}://${shownHost(config.HOST)}:${edge.port}`,
    dataDir: dataDir.path,
    adminKey: plane.adminKey,
    group: await firstGroup(plane.store),
    accessKey: await firstAccessKey(dataDir),
  }
}

type ControlPlane = Awaited<ReturnType<typeof openControlPlane>>

async function openControlPlane(options: StandaloneOptions, health: Health) {
  const { config, installation, lifecycle, log, clock, version, fail } = options
  const { logger } = log
  const { dataDir } = installation
  const store = await openStore(dataDir.configDatabase, 'config')
  lifecycle.onClose('database', () => store.close())
  await (await openStore(dataDir.logDatabase, 'logs')).close()
  const keyring = await openKeyring({
    database: store,
    masterKey: installation.masterKey,
    former: config.ENCRYPTION_KEY_PREVIOUS ?? installation.formerMasterKey,
  })
  const { adminKeys, greeting: adminKey } = await openAdminKeys(dataDir, store, keyring, config.AUTH_KEY)
  const logs = await startLogThread({ databasePath: dataDir.logDatabase, instance: keyring.epoch }, logger, fail)
  lifecycle.onClose('log thread', () => logs.close())
  const retention = startPeriodic({
    name: 'log retention setting',
    intervalMs: settingsIntervalMs,
    isImmediate: true,
    clock,
    logger,
    run: async () => logs.setRetention(await readRetention(store)),
  })
  lifecycle.onClose('log retention setting', () => retention.stop())
  const logReader = createThreadedSqlReader(dataDir.logDatabase)
  lifecycle.onClose('log reader', () => logReader.close())
  const feed = createInProcessChangeFeed()
  const service = await createConfigService({
    store,
    keyring,
    feed: feed.publisher,
    logReader: createRequestLogReader(logReader),
    logAccounts: createLogAccountReader(logReader, () => clock.nowMs()),
    requestReplay: (ids) => logs.requestReplay(ids),
    probeSender: createUndiciProbeSender({
      environment: { httpProxy: config.HTTP_PROXY, httpsProxy: config.HTTPS_PROXY, noProxy: config.NO_PROXY },
      allowPrivateAddresses: config.ALLOW_PRIVATE_UPSTREAMS,
      extraCaPem: config.UPSTREAM_CA,
    }),
    adminKeys,
    ...(config.AUTH_KEY === undefined ? {} : { authKeyHash: keyring.hashToken(config.AUTH_KEY) }),
    edgeTokens: [installation.edgeToken],
    trustedProxies: config.TRUSTED_PROXIES,
    cors: corsOptionsOf(config),
    environmentSettings: config.environmentSettings,
    upstreamPolicy: { allowPrivateAddresses: config.ALLOW_PRIVATE_UPSTREAMS },
    surroundings: {
      kind: 'standalone',
      health,
      weakSecrets: findWeakSecrets({ AUTH_KEY: config.AUTH_KEY, ENCRYPTION_KEY: config.ENCRYPTION_KEY }),
      isEncryptionKeyGenerated: config.ENCRYPTION_KEY === undefined,
    },
    cacheDir: dataDir.snapshotDir,
    clock,
    logger,
    version,
  })
  lifecycle.onClose('config service', () => service.close())
  return { store, service, feed, logs, adminKeys, adminKey }
}

/** The environment's group first, then the file: what a person wrote down wins. */
async function configure(
  options: StandaloneOptions,
  { service }: ControlPlane,
  { loaded, keysFile }: { loaded: LoadedConfigFile | null; keysFile: string | null },
): Promise<void> {
  const { config, installation, lifecycle, clock, log } = options
  const { logger } = log
  const context = () => service.systemContext('startup')
  const seed = defaultGroupSeed(config)
  const isUnconfigured = installation.isNew && loaded === null
  if (isUnconfigured || keysFile !== null || config.OPENAI_BASE_URL.length > 0) {
    const keys = keysFile === null ? null : openKeysFile(keysFile, logger)
    const report = await seedDefaultGroup(context(), { ...seed, keys })
    if (report.keys !== null)
      logger.info({ ...report.keys, malformed_lines: undefined, file: keysFile }, 'keys file read')
  }
  if (isUnconfigured) await createFirstAccessKey(context(), installation.dataDir)
  if (loaded !== null) {
    const report = await applyConfig(context(), {
      config: loaded.config,
      managedBy: basename(options.configFile as string),
      openKeysFile: (path) => openKeysFile(path, logger),
      signal: lifecycle.signal,
    })
    logger.info({ ...report, file: options.configFile }, 'configuration file applied')
  }
  if (keysFile === null) return
  const follower = followKeysFile({ path: keysFile, context, seed, logger, clock })
  lifecycle.onClose('keys file', () => follower.stop())
}

async function openDataPlane(
  options: StandaloneOptions,
  { service, feed, logs, adminKeys }: ControlPlane,
  { metrics, health }: { metrics: Metrics; health: Health },
): Promise<Edge> {
  const { config, installation, lifecycle, clock, log, version, fail } = options
  const portal = await openPortalFiles()
  if (portal === null) log.logger.warn('the portal has not been built: ./gpt-load build-portal')
  const control = await startControlServer({
    app: service.app,
    portal,
    health,
    metrics,
    adminKeys,
    metricsToken: config.METRICS_TOKEN,
  })
  lifecycle.onClose('control server', () => control.close())
  const logGauges = startLogMetrics({ reconcile: service.reconcileLogs, metrics, clock, logger: log.logger })
  lifecycle.onClose('log metrics', () => logGauges.stop())
  const edge = await createEdge({
    config,
    name: edgeName,
    host: config.HOST,
    port: config.PORT,
    workers: config.WORKERS,
    drainDelayMs: 0,
    maxSnapshotAgeMs,
    edgeTokens: [installation.edgeToken],
    controlPlane: { api: service.internalApi, feed: feed.createSubscriber() },
    logProducer: logs.producer,
    openContentProducer: () => logs.contentProducer,
    // The log stream is this process: what it does not take, no disk would either.
    logSpool: null,
    snapshotStore: null,
    controlSocketPath: control.socketPath,
    health,
    metrics,
    clock,
    logger: log.logger,
    version,
    fail,
  })
  lifecycle.onClose('edge', () => edge.close(), {
    timeoutMs: config.SERVER_GRACEFUL_SHUTDOWN_TIMEOUT + closeSlackMs,
  })
  return edge
}

async function readConfigFile(
  path: string,
  { environment, log, addSecret }: StandaloneOptions,
): Promise<LoadedConfigFile> {
  const loaded = await loadConfigFile(path, { env: environment })
  for (const secret of loaded.secrets) addSecret(secret)
  for (const warning of loaded.warnings) log.logger.warn(renderDiagnostic(warning))
  return loaded
}

async function openStore(path: string, component: 'config' | 'logs'): Promise<DatabaseHandle> {
  const store = createDatabase({ dialect: 'sqlite', path }, { mayCheckpointInThread: component === 'config' })
  try {
    await migrate(store, { component })
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

function defaultGroupSeed(config: StandaloneConfig): Omit<DefaultGroupSeed, 'keys'> {
  const overridable: readonly string[] = groupSettingNames
  const settings = Object.entries(config.environmentSettings).filter(([name]) => overridable.includes(name))
  return {
    baseUrls: config.OPENAI_BASE_URL,
    settings: Object.fromEntries(settings),
    authKey: config.AUTH_KEY ?? null,
  }
}

async function firstGroup({ database }: DatabaseHandle): Promise<Greeting['group']> {
  const group = await database.group.findFirst({
    orderBy: { id: 'asc' },
    select: { id: true, name: true, channel: true },
  })
  if (group === null) return null
  const key = await database.providerKey.findFirst({ where: { group_id: group.id }, select: { id: true } })
  return { ...group, channel: group.channel as ChannelType, hasKeys: key !== null }
}

/** What a person can type; a wildcard is no address. */
function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
