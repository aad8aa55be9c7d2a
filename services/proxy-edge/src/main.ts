// proxy-edge: the composition root of one edge of a cluster. What is opened registers its close where it is opened, and is
// closed in the reverse order. It needs nothing but its own environment to start: config-service, Redis and Kafka may be away.

import { startAdminServer } from '@gpt-load/service-kit/admin-server'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { secretValues } from '@gpt-load/service-kit/environment'
import { createHealth } from '@gpt-load/service-kit/health'
import { kafkaOptions } from '@gpt-load/service-kit/kafka-options'
import { createLog, logOptions } from '@gpt-load/service-kit/logger'
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

  const api = createInternalClient({ urls: config.CONFIG_SERVICE_URLS, edgeTokens: config.EDGE_TOKEN })
  lifecycle.onClose('config-service client', () => api.close())
  const redis = { connection: redisConnection(config), keyPrefix: config.REDIS_KEY_PREFIX, logger }
  const feed = createRedisChangeFeedSubscriber({ ...redis, edgeTokens: config.EDGE_TOKEN })
  const kafka = { connection: kafkaOptions(config), clientId: `edge-${config.EDGE_NAME}`, logger }
  const logProducer = createKafkaLogProducer(kafka)
  lifecycle.onClose('log stream', () => logProducer.close())
  const edge = await createEdge({
    config,
    name: config.EDGE_NAME,
    host: config.HOST,
    port: config.PORT,
    workers: config.WORKERS,
    drainDelayMs: config.DRAIN_DELAY_MS,
    maxSnapshotAgeMs: config.MAX_SNAPSHOT_AGE,
    edgeTokens: config.EDGE_TOKEN,
    api,
    feed,
    logProducer,
    openContentProducer: () => createKafkaLogProducer({ ...kafka, topic: contentTopic }),
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

function openSnapshotStore(
  { SNAPSHOT_STORE: choice }: ProxyEdgeConfig,
  redis: Parameters<typeof createRedisSnapshotStore>[0],
): SnapshotStore | null {
  if (choice.kind === 'none') return null
  return choice.kind === 'file' ? createFileSnapshotStore({ dir: choice.dir }) : createRedisSnapshotStore(redis)
}
