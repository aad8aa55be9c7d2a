import type { LogConsumer } from '@gpt-load/transport/log-stream'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import { createIngestMeter } from './ingest-meter.ts'
import { createLogStore } from './log-store.ts'
import { replayDeadLetters } from './replay-dead-letters.ts'
import { applyRetention } from './retention.ts'
import { createStoredDays, dayMs, dayOf } from './stored-days.ts'
import { storeStreamPositions } from './stream-positions.ts'

/**
 * The log pipeline's end, composed from ports: the cluster passes Kafka and MySQL, standalone its in-process stream and
 * SQLite. What is opened here is closed by `close`, in reverse; the ports belong to the caller.
 */
export type LogIngestOptions = {
  sql: SqlClient
  consumer: LogConsumer
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
const positionsIntervalMs = 5_000
const replayIntervalMs = 2_000

export async function startLogIngest(options: LogIngestOptions): Promise<LogIngest> {
  const { sql, consumer, clock, logger } = options
  let retentionDays = defaultRetentionDays
  const meter = createIngestMeter(options.metrics)
  const days = createStoredDays(sql)
  const store = createLogStore({
    sql,
    days,
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
  const positions = startPeriodic({
    name: 'stream positions',
    intervalMs: positionsIntervalMs,
    clock,
    logger,
    run: async () => {
      meter.seen(consumer.highWatermarks())
      await storeStreamPositions(sql, consumer, clock.nowMs())
    },
  })
  const replay = startPeriodic({
    name: 'dead letters',
    intervalMs: replayIntervalMs,
    clock,
    logger,
    run: async () => {
      const nowMs = clock.nowMs()
      const storedOn = dayOf(nowMs)
      await days.ensure(storedOn)
      await replayDeadLetters(sql, { nowMs, storedOn, retentionMs: retentionDays * dayMs })
    },
  })
  await consumer.run(store)
  return {
    async close() {
      await consumer.close()
      await replay.stop()
      await positions.stop()
      await retention.stop()
      await settings.stop()
    },
  }
}
