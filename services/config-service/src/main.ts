// config-service: the admin API, and what edges are served from. The composition root: what is opened registers its close
// where it is opened, and is closed in the reverse order. It is ready when the database answers; Redis being away delays
// nothing but hints.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase } from '@gpt-load/database/create-database'
import { openKeyring } from '@gpt-load/database/keyring'
import { createLogAccountReader, requestReplay } from '@gpt-load/database/logs/log-account-reader'
import { createRequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import { migrate } from '@gpt-load/database/migrate'
import { createMariadbSqlClient } from '@gpt-load/database/sql-client/mariadb-sql-client'
import { startAdminServer } from '@gpt-load/service-kit/admin-server'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { corsOptionsOf } from '@gpt-load/service-kit/cors-variables'
import { secretValues } from '@gpt-load/service-kit/environment'
import { createHealth } from '@gpt-load/service-kit/health'
import type { Lifecycle } from '@gpt-load/service-kit/lifecycle'
import { createLog, logOptions, type Logger } from '@gpt-load/service-kit/logger'
import { createMetrics } from '@gpt-load/service-kit/metrics'
import { mysqlConnectionOf } from '@gpt-load/service-kit/mysql-only'
import { redisConnection } from '@gpt-load/service-kit/redis-dsn'
import { runProcess } from '@gpt-load/service-kit/run-process'
import { createSecretScrubber } from '@gpt-load/service-kit/secret-scrubber'
import { untilAvailable } from '@gpt-load/service-kit/until-available'
import { createRedisChangeFeedPublisher } from '@gpt-load/transport/redis-change-feed'
import packageFile from '../package.json' with { type: 'json' }
import { createEnvironmentAdminKeys } from './admin-keys.ts'
import { startCapacityMetrics } from './capacity/capacity-metrics.ts'
import { configServiceVariables, readConfigServiceConfig, type ConfigServiceConfig } from './config.ts'
import { createConfigService } from './create-config-service.ts'
import { createAbsentChangeFeed } from './feed/absent-change-feed.ts'
import { startPublicServer } from './http/public-server.ts'
import { startInternalServer } from './internal/internal-server.ts'
import { createUndiciProbeSender } from './probe/undici-probe-sender.ts'
import { startLogMetrics } from './logs/log-metrics.ts'
import { startServiceMetrics } from './service-metrics.ts'
import { findWeakSecrets } from './system/surroundings.ts'

/** Log queries are rare and bounded; they must not take the connections that keys and groups are written through. */
const logConnections = 4
/** A list, an import, a probe: what an administrator waits for ends by itself within this. */
const publicGraceMs = 8_000
const internalGraceMs = 2_000

runProcess(async ({ lifecycle, useLog }) => {
  const config = readConfigServiceConfig()
  const clock = createSystemClock()
  const scrubber = createSecretScrubber({ known: secretValues(configServiceVariables, config) })
  const log = createLog({ ...logOptions(config), scrubber, fields: { service: 'config-service' } })
  useLog(log)
  const { logger } = log
  const metrics = createMetrics()
  const health = createHealth({ clock, scrub: log.scrub })
  const metricsToken = config.METRICS_TOKEN === undefined ? {} : { metricsToken: config.METRICS_TOKEN }
  const adminAddress = { host: config.ADMIN_HOST, port: config.ADMIN_PORT }
  let isStarted = false
  health.register({ name: 'started', required: true, check: () => ({ ok: isStarted }) })
  const admin = await startAdminServer({ ...adminAddress, ...metricsToken, health, metrics, logger })
  lifecycle.onClose('admin server', () => admin.close())

  const connection = mysqlConnectionOf(config)
  const store = createDatabase(connection, { poolSize: config.DATABASE_POOL_SIZE })
  lifecycle.onClose('database', () => store.close())
  health.register({ name: 'mysql', required: true, check: () => store.ping().then(() => ({ ok: true })) })
  const keyring = await untilAvailable('the database', { logger, clock, signal: lifecycle.signal }, async () => {
    await migrate(store, { component: 'config' })
    return openKeyring({
      database: store,
      masterKey: config.ENCRYPTION_KEY,
      former: config.ENCRYPTION_KEY_PREVIOUS,
    })
  })
  const logDatabase = createMariadbSqlClient(connection, { connections: logConnections })
  lifecycle.onClose('log database', () => logDatabase.close())

  const redisFeed = createRedisFeed(config, logger)
  const feed = redisFeed ?? createAbsentChangeFeed()
  lifecycle.onClose('change feed', () => feed.close())
  if (redisFeed !== null)
    health.register({ name: 'redis', required: false, check: () => ({ ok: redisFeed.isConnected() }) })

  const { HTTP_PROXY: httpProxy, HTTPS_PROXY: httpsProxy, NO_PROXY: noProxy } = config
  const service = await createConfigService({
    store,
    keyring,
    feed,
    logReader: createRequestLogReader(logDatabase),
    logAccounts: createLogAccountReader(logDatabase, () => clock.nowMs()),
    requestReplay: (ids, transaction) => requestReplay(transaction, ids),
    probeSender: createUndiciProbeSender({
      environment: { httpProxy, httpsProxy, noProxy },
      allowPrivateAddresses: config.ALLOW_PRIVATE_UPSTREAMS,
      extraCaPem: config.UPSTREAM_CA,
    }),
    adminKeys: createEnvironmentAdminKeys(config.AUTH_KEY, keyring),
    authKeyHash: keyring.hashToken(config.AUTH_KEY),
    edgeTokens: config.EDGE_TOKEN,
    cacheDir: config.BASE_CACHE_DIR ?? (await makeTemporaryDir(lifecycle)),
    trustedProxies: config.TRUSTED_PROXIES,
    cors: corsOptionsOf(config),
    environmentSettings: config.environmentSettings,
    upstreamPolicy: { allowPrivateAddresses: config.ALLOW_PRIVATE_UPSTREAMS },
    surroundings: {
      kind: 'cluster',
      health,
      weakSecrets: findWeakSecrets({
        AUTH_KEY: config.AUTH_KEY,
        ENCRYPTION_KEY: config.ENCRYPTION_KEY,
        EDGE_TOKEN: config.EDGE_TOKEN[0],
      }),
      isEncryptionKeyGenerated: false,
    },
    clock,
    logger,
    version: packageFile.version,
  })
  lifecycle.onClose('config service', () => service.close())
  const feedCounts = redisFeed === null ? {} : { feedCounts: redisFeed.counts }
  const gauges = startServiceMetrics({ service, store, ...feedCounts, metrics, clock, logger })
  lifecycle.onClose('metrics', () => gauges.stop())
  const capacityGauges = startCapacityMetrics({ store, metrics, clock, logger })
  lifecycle.onClose('capacity metrics', () => capacityGauges.stop())
  const logGauges = startLogMetrics({ reconcile: service.reconcileLogs, metrics, clock, logger })
  lifecycle.onClose('log metrics', () => logGauges.stop())

  const internalAddress = { host: config.INTERNAL_HOST, port: config.INTERNAL_PORT }
  const { internalApi: api, bases } = service
  const internal = await startInternalServer({ ...internalAddress, api, bases, edgeTokens: config.EDGE_TOKEN, logger })
  lifecycle.onClose('internal server', () => internal.close(internalGraceMs))
  const server = await startPublicServer({ app: service.app, host: config.HOST, port: config.PORT })
  lifecycle.onClose('public server', () => server.close(publicGraceMs))
  lifecycle.onClose('readiness', () => health.startDraining())
  isStarted = true
  logger.info({ port: server.port, internal_port: internal.port, admin_port: admin.port }, 'config-service serves')
})

/** Null without REDIS_DSN. Messages are signed before they get here (change-publisher). */
function createRedisFeed(config: ConfigServiceConfig, logger: Logger) {
  const { REDIS_DSN, REDIS_TLS_CA, REDIS_KEY_PREFIX: keyPrefix } = config
  if (REDIS_DSN === undefined) return null
  return createRedisChangeFeedPublisher({ connection: redisConnection({ REDIS_DSN, REDIS_TLS_CA }), keyPrefix, logger })
}

async function makeTemporaryDir(lifecycle: Lifecycle): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gpt-load-bases-'))
  lifecycle.onClose('base files', () => rm(path, { recursive: true, force: true }))
  return path
}
