// proxy-edge: the composition root of one edge of a cluster. What is opened registers its close where it is opened, and is
// closed in the reverse order. It needs nothing but its own environment to start: config-service, Redis and Kafka may be away.

import { startAdminServer } from '@gpt-load/service-kit/admin-server'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { secretValues } from '@gpt-load/service-kit/environment'
import { createHealth } from '@gpt-load/service-kit/health'
import type { Lifecycle } from '@gpt-load/service-kit/lifecycle'
import { kafkaOptions } from '@gpt-load/service-kit/kafka-options'
import { createLog, logOptions, type Logger } from '@gpt-load/service-kit/logger'
import { createMetrics } from '@gpt-load/service-kit/metrics'
import { redisConnection } from '@gpt-load/service-kit/redis-dsn'
import { runProcess } from '@gpt-load/service-kit/run-process'
import { createSecretScrubber } from '@gpt-load/service-kit/secret-scrubber'
import { contentTopic } from '@gpt-load/contracts/content-record'
import { createFileSnapshotStore } from '@gpt-load/transport/file-snapshot-store'
import { createKafkaLogProducer } from '@gpt-load/transport/kafka-log-producer'
import { createRedisChangeFeedSubscriber } from '@gpt-load/transport/redis-change-feed'
import { createRedisSnapshotStore } from '@gpt-load/transport/redis-snapshot-store'
import type { SnapshotStore } from '@gpt-load/transport/snapshot-store'
import { proxyEdgeVariables, readProxyEdgeConfig, type ProxyEdgeConfig } from './config.ts'
import { absentChangeFeed } from './control-plane/absent-change-feed.ts'
import type { ControlPlane } from './control-plane/control-link.ts'
import { createInternalClient } from './control-plane/internal-client.ts'
import { createEdge, type EdgeOptions } from './create-edge.ts'
import packageJson from '../package.json' with { type: 'json' }

/** On top of what draining may take by its settings: the quiet second's bound, the flush, and the closing itself. */
const closeSlackMs = 30_000

runProcess(async ({ lifecycle, useLog, fail }) => {
  const config = readProxyEdgeConfig()
  const clock = createSystemClock()
  const scrubber = createSecretScrubber()
  for (const secret of secretValues(proxyEdgeVariables, config)) scrubber.add(secret)
  const log = createLog({ ...logOptions(config), scrubber, fields: { service: 'proxy-edge', edge: config.EDGE_NAME } })
  useLog(log)
  const { logger } = log
  const metrics = createMetrics()
  const health = createHealth({ clock, scrub: log.scrub })
  const admin = await startAdminServer({
    host: config.ADMIN_HOST,
    port: config.ADMIN_PORT,
    health,
    metrics,
    logger,
    ...(config.METRICS_TOKEN === undefined ? {} : { metricsToken: config.METRICS_TOKEN }),
  })
  lifecycle.onClose('admin server', () => admin.close())

  const redis = redisOptionsOf(config, logger)
  const kafka = kafkaProducerOptions(config, logger)
  const logProducer = kafka === null ? null : createKafkaLogProducer(kafka)
  if (logProducer !== null) lifecycle.onClose('log stream', () => logProducer.close())
  const edge = await createEdge({
    config,
    name: config.EDGE_NAME,
    host: config.HOST,
    port: config.PORT,
    workers: config.WORKERS,
    drainDelayMs: config.DRAIN_DELAY_MS,
    maxSnapshotAgeMs: config.MAX_SNAPSHOT_AGE,
    edgeTokens: config.EDGE_TOKEN,
    controlPlane: openControlPlane(config, redis, lifecycle),
    logProducer,
    openContentProducer: kafka === null ? null : () => createKafkaLogProducer({ ...kafka, topic: contentTopic }),
    logSpool: openLogSpool(config),
    snapshotStore: openSnapshotStore(config, redis),
    controlSocketPath: '',
    health,
    metrics,
    clock,
    logger,
    version: packageJson.version,
    fail,
  })
  const drainMs = config.DRAIN_DELAY_MS + config.SERVER_GRACEFUL_SHUTDOWN_TIMEOUT
  lifecycle.onClose('edge', () => edge.close(), { timeoutMs: drainMs + closeSlackMs })
  logger.info({ port: edge.port, admin_port: admin.port, ...edge.position() }, 'proxy-edge serves')
})

function openLogSpool(config: ProxyEdgeConfig): EdgeOptions['logSpool'] {
  const { LOG_SPOOL_DIR: dir, LOG_SPOOL_MAX_BYTES: maxBytes, LOG_SPOOL_FSYNC: fsync } = config
  return dir === '' ? null : { dir, maxBytes, fsync, takeOverAfterMs: config.LOG_SPOOL_TAKEOVER_AFTER }
}

type RedisOptions = Parameters<typeof createRedisSnapshotStore>[0]

function redisOptionsOf(config: ProxyEdgeConfig, logger: Logger): RedisOptions | null {
  const { REDIS_DSN, REDIS_TLS_CA, REDIS_KEY_PREFIX: keyPrefix } = config
  if (REDIS_DSN === undefined) return null
  return { connection: redisConnection({ REDIS_DSN, REDIS_TLS_CA }), keyPrefix, logger }
}

/** null = detached. Without Redis changes come by long poll. */
function openControlPlane(
  { CONFIG_SERVICE_URLS: urls, EDGE_TOKEN: edgeTokens }: ProxyEdgeConfig,
  redis: RedisOptions | null,
  lifecycle: Lifecycle,
): ControlPlane | null {
  if (urls === undefined) return null
  const api = createInternalClient({ urls, edgeTokens })
  lifecycle.onClose('config-service client', () => api.close())
  return { api, feed: redis === null ? absentChangeFeed : createRedisChangeFeedSubscriber({ ...redis, edgeTokens }) }
}

function kafkaProducerOptions(config: ProxyEdgeConfig, logger: Logger) {
  const { KAFKA_BROKERS, EDGE_NAME } = config
  if (KAFKA_BROKERS === undefined) return null
  const connection = kafkaOptions({ ...config, KAFKA_BROKERS })
  return { connection, clientId: `edge-${EDGE_NAME}`, logger }
}

function openSnapshotStore(
  { SNAPSHOT_STORE: choice }: ProxyEdgeConfig,
  redis: RedisOptions | null,
): SnapshotStore | null {
  if (choice.kind === 'file') return createFileSnapshotStore({ dir: choice.dir })
  return choice.kind === 'redis' && redis !== null ? createRedisSnapshotStore(redis) : null
}
