// log-ingest: Kafka -> MySQL. The composition root: what is opened registers its close where it is opened, and is closed in
// the reverse order. It is ready when it can consume; MySQL or Kafka being away later pauses it, nothing else.

import { hostname } from 'node:os'
import { contentTopic } from '@gpt-load/contracts/content-record'
import { logTopic } from '@gpt-load/contracts/log-event'
import { createDatabase } from '@gpt-load/database/create-database'
import { withLease } from '@gpt-load/database/lease'
import { migrate } from '@gpt-load/database/migrate'
import { createMariadbSqlClient } from '@gpt-load/database/sql-client/mariadb-sql-client'
import { startAdminServer } from '@gpt-load/service-kit/admin-server'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { secretValues } from '@gpt-load/service-kit/environment'
import { createHealth } from '@gpt-load/service-kit/health'
import { kafkaOptions } from '@gpt-load/service-kit/kafka-options'
import { createLog, logOptions } from '@gpt-load/service-kit/logger'
import { createMetrics } from '@gpt-load/service-kit/metrics'
import { mysqlConnectionOf } from '@gpt-load/service-kit/mysql-only'
import { runProcess } from '@gpt-load/service-kit/run-process'
import { createSecretScrubber } from '@gpt-load/service-kit/secret-scrubber'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { untilAvailable } from '@gpt-load/service-kit/until-available'
import { ensureTopics, TopicsNotReady } from '@gpt-load/transport/ensure-topics'
import { createKafkaLogConsumer } from '@gpt-load/transport/kafka-log-consumer'
import { logIngestVariables, readLogIngestConfig } from './config.ts'
import type { LogIngestConfig } from './config.ts'
import { startLogIngest } from './create-log-ingest.ts'
import { readRetention } from './read-retention.ts'

const retentionLeaseMs = 60_000

runProcess(async ({ lifecycle, useLog }) => {
  const config = readLogIngestConfig()
  const clock = createSystemClock()
  const scrubber = createSecretScrubber()
  for (const secret of secretValues(logIngestVariables, config)) scrubber.add(secret)
  const log = createLog({ ...logOptions(config), scrubber, fields: { service: 'log-ingest' } })
  useLog(log)
  const { logger } = log
  const metrics = createMetrics()
  const health = createHealth({ clock, scrub: log.scrub })
  let isStarted = false
  health.register({ name: 'started', required: true, check: () => ({ ok: isStarted }) })
  const adminOptions = { host: config.ADMIN_HOST, port: config.ADMIN_PORT, health, metrics, logger }
  const admin = await startAdminServer({
    ...adminOptions,
    ...(config.METRICS_TOKEN === undefined ? {} : { metricsToken: config.METRICS_TOKEN }),
  })
  lifecycle.onClose('admin server', () => admin.close())

  const connection = mysqlConnectionOf(config)
  const database = createDatabase(connection, { poolSize: 2 })
  lifecycle.onClose('database', () => database.close())
  const retry = { logger, clock, signal: lifecycle.signal }
  // A dependency that is away at start is waited for: restarting in a loop helps nobody.
  await untilAvailable('the log schema', retry, () => migrate(database, { component: 'logs' }))
  await untilAvailable('Kafka topics', retry, () => ensureTopics(topicOptions(config)).catch(explainTopics))

  const sql = createMariadbSqlClient(connection, { connections: config.DATABASE_POOL_SIZE })
  lifecycle.onClose('log database', () => sql.close())
  const kafka = { connection: kafkaOptions(config), clientId: `log-ingest-${hostname()}`, logger }
  const session = { ...kafka, sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT }
  const consumer = createKafkaLogConsumer({ ...session, groupId: 'log-ingest' })
  const contentConsumer = createKafkaLogConsumer({ ...session, groupId: 'log-ingest-content', topics: [contentTopic] })
  const ingest = await startLogIngest({
    sql,
    consumer,
    contentConsumer,
    metrics,
    logger,
    clock,
    readRetention: () => readRetention(database),
    withLease: async (job, work) => void (await withLease(database, job, { ttlMs: retentionLeaseMs }, work)),
  })
  lifecycle.onClose('ingest', () => ingest.close())
  health.register({ name: 'kafka', required: true, check: () => ({ ok: consumer.isConnected() }) })
  health.register({ name: 'mysql', required: false, check: () => database.ping().then(() => ({ ok: true })) })
  lifecycle.onClose('readiness', () => health.startDraining())
  isStarted = true
  logger.info({ admin_port: admin.port }, 'log-ingest consumes')
})

function explainTopics(error: unknown): never {
  if (!(error instanceof TopicsNotReady)) throw error
  throw new StartupError(error.message, 'or allow it with KAFKA_CREATE_TOPICS=true', { cause: error })
}

function topicOptions(config: LogIngestConfig) {
  const shared = { replicationFactor: config.KAFKA_REPLICATION_FACTOR, partitions: config.KAFKA_PARTITIONS }
  return {
    connection: kafkaOptions(config),
    clientId: `log-ingest-${hostname()}`,
    canCreate: config.KAFKA_CREATE_TOPICS,
    topics: [
      { ...shared, name: logTopic, retentionMs: config.KAFKA_RETENTION },
      { ...shared, name: contentTopic, retentionMs: config.KAFKA_CONTENT_RETENTION },
    ],
  }
}
