import { z } from 'zod'
import { adminVariables } from '@gpt-load/service-kit/admin-server'
import { databaseVariables } from '@gpt-load/service-kit/database-dsn'
import { readEnvironment } from '@gpt-load/service-kit/environment'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { envBoolean, envDurationMs, envInteger } from '@gpt-load/service-kit/environment-variables'
import { checkKafkaVariables, kafkaVariables } from '@gpt-load/service-kit/kafka-options'
import { logVariables } from '@gpt-load/service-kit/logger'
import { checkDatabaseIsMysql } from '@gpt-load/service-kit/mysql-only'
import { logPartitions } from '@gpt-load/contracts/log-event'

/** Everything that log-ingest reads from its environment. */
export const logIngestVariables = z.object({
  ...databaseVariables(),
  ...kafkaVariables(),
  ...adminVariables(),
  ...logVariables(),
  KAFKA_CREATE_TOPICS: envBoolean({ default: true, description: 'Create missing topics and partitions at start' }),
  KAFKA_REPLICATION_FACTOR: envInteger({
    default: 1,
    min: 1,
    max: 100,
    description: 'Replicas that the topics must have; 3 in production',
  }),
  KAFKA_PARTITIONS: envInteger({
    default: logPartitions,
    min: 1,
    max: 1_000,
    description: 'Partitions of the log topics: the most instances that can share the work',
  }),
  KAFKA_RETENTION: envDurationMs({
    default: 604_800_000,
    minMs: 3_600_000,
    description: 'Least time that the topic keeps batches, so that ingest may be away that long',
  }),
  KAFKA_CONTENT_RETENTION: envDurationMs({
    default: 86_400_000,
    minMs: 3_600_000,
    description: 'The same of recorded bodies, which are in a topic of their own; a new topic keeps them no longer',
  }),
  KAFKA_SESSION_TIMEOUT: envDurationMs({
    default: 30_000,
    minMs: 6_000,
    maxMs: 300_000,
    description: 'After so long without a heartbeat the partitions go to another instance',
  }),
  DATABASE_POOL_SIZE: envInteger({ default: 8, min: 2, max: 100, description: 'Connections to the database' }),
})
export type LogIngestConfig = z.output<typeof logIngestVariables>

export function readLogIngestConfig(source: EnvironmentSource = process.env): Readonly<LogIngestConfig> {
  return readEnvironment(logIngestVariables, source, { checks: [checkKafkaVariables, checkDatabaseIsMysql] })
}
