import type { DeadLetterProducer, LogConsumer } from '@gpt-load/transport/log-stream'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import { createIngestMeter } from './ingest-meter.ts'
import { createLogStore } from './log-store.ts'
import { applyRetention } from './retention.ts'

/**
 * The log pipeline's end, composed from ports: the cluster passes Kafka and MySQL, standalone its in-process stream and
 * SQLite. What is opened here is closed by `close`, in reverse; the ports belong to the caller.
 */
export type LogIngestOptions = {
  sql: SqlClient
  consumer: LogConsumer
  deadLetter: DeadLetterProducer
  metrics: Metrics
  logger: Logger
  clock: Clock
  /** Answers request_log_retention_days; read before each clean-up and while storing. */
  readRetentionDays(): Promise<number>
  /** Runs the clean-up on one replica only. */
  withLease(job: string, work: (signal: AbortSignal) => Promise<void>): Promise<void>
}

export interface LogIngest {
  close(): Promise<void>
}

const retentionIntervalMs = 600_000
const settingsIntervalMs = 15_000
const defaultRetentionDays = 7

export async function startLogIngest(options: LogIngestOptions): Promise<LogIngest> {
  const { sql, consumer, deadLetter, clock, logger } = options
  let retentionDays = defaultRetentionDays
  const meter = createIngestMeter(options.metrics)
  const store = createLogStore({
    sql,
    deadLetter,
    meter,
    nowMs: () => clock.nowMs(),
    retentionDays: () => retentionDays,
  })
  const settings = startPeriodic({
    name: 'retention setting',
    intervalMs: settingsIntervalMs,
    clock,
    logger,
    run: async () => {
      retentionDays = await options.readRetentionDays()
    },
  })
  const retention = startPeriodic({
    name: 'log retention',
    intervalMs: retentionIntervalMs,
    clock,
    logger,
    run: () =>
      options.withLease('log-retention', (signal) =>
        applyRetention({ sql, nowMs: clock.nowMs(), retentionDays, signal }),
      ),
  })
  await consumer.run(store)
  return {
    async close() {
      await consumer.close()
      await retention.stop()
      await settings.stop()
    },
  }
}
