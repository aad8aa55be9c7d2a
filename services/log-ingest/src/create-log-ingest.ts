import type { LogConsumer } from '@gpt-load/transport/log-stream'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { Metrics } from '@gpt-load/service-kit/metrics'
import { startPeriodic } from '@gpt-load/service-kit/periodic'
import { createContentStore } from './content-store.ts'
import { createIngestMeter } from './ingest-meter.ts'
import { createLogStore } from './log-store.ts'
import { replayDeadLetters } from './replay-dead-letters.ts'
import { defaultRetention, type LogRetention } from './read-retention.ts'
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
  contentConsumer: LogConsumer
  metrics: Metrics
  logger: Logger
  clock: Clock
  /** Read every so often: it holds for the next clean-up, and while storing. */
  readRetention(): Promise<LogRetention>
  /** Runs the clean-up on one replica only. */
  withLease(job: string, work: (signal: AbortSignal) => Promise<void>): Promise<void>
}

export interface LogIngest {
  close(): Promise<void>
}

const retentionIntervalMs = 600_000
const settingsIntervalMs = 15_000
const positionsIntervalMs = 5_000
const replayIntervalMs = 2_000

export async function startLogIngest(options: LogIngestOptions): Promise<LogIngest> {
  const { sql, consumer, contentConsumer, clock, logger } = options
  let retention = defaultRetention
  const meter = createIngestMeter(options.metrics)
  const days = createStoredDays(sql)
  const store = createLogStore({
    sql,
    days,
    meter,
    nowMs: () => clock.nowMs(),
    retentionDays: () => retention.rowDays,
  })
  const contentStore = createContentStore({ sql, days, meter, nowMs: () => clock.nowMs() })
  const settings = startPeriodic({
    name: 'retention setting',
    intervalMs: settingsIntervalMs,
    clock,
    logger,
    run: async () => {
      retention = await options.readRetention()
    },
  })
  const cleaning = startPeriodic({
    name: 'log retention',
    intervalMs: retentionIntervalMs,
    clock,
    logger,
    run: () =>
      options.withLease('log-retention', (signal) => applyRetention({ sql, nowMs: clock.nowMs(), retention, signal })),
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
      await replayDeadLetters(sql, { nowMs, storedOn, retentionMs: retention.rowDays * dayMs })
    },
  })
  await consumer.run(store)
  await contentConsumer.run(contentStore)
  return {
    async close() {
      await consumer.close()
      await contentConsumer.close()
      await replay.stop()
      await positions.stop()
      await cleaning.stop()
      await settings.stop()
    },
  }
}
