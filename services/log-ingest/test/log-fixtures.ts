import { readdirSync, readFileSync } from 'node:fs'
import type { LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import { createMariadbSqlClient } from '@gpt-load/database/sql-client/mariadb-sql-client'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import { splitStatements } from '@gpt-load/database/split-statements'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import { createMetrics } from '@gpt-load/service-kit/metrics'
import type { SqlServerDatabase } from '@gpt-load/testkit/servers/test-servers'
import { createLogEventWriter, encodeLogEvent, payloadOf } from '@gpt-load/transport/log-batch/encode-log-event'
import { sealLogBatch } from '@gpt-load/transport/log-batch/log-batch'
import type { StreamPartition, StreamRecord } from '@gpt-load/transport/log-stream'
import { createIngestMeter } from '../src/ingest-meter.ts'
import { createLogStore } from '../src/log-store.ts'
import { createStoredDays } from '../src/stored-days.ts'

export const place: StreamPartition = { topic: 'request-logs', partition: 0 }
export const nowMs = Date.UTC(2026, 10, 24, 12)

export function logEvent(sequence: number, changes: Partial<LogEvent> = {}): LogEvent {
  return {
    sequence,
    requestId: `req-${sequence}`,
    receivedAtMs: nowMs - 1_000 + sequence,
    groupId: 1,
    groupName: 'openai-main',
    memberGroupId: 0,
    memberGroupName: '',
    channel: 'openai',
    method: 'POST',
    requestPath: '/v1/chat/completions',
    modelRequested: 'gpt-4.1-nano',
    modelSent: 'gpt-4.1-nano',
    isStream: false,
    accessKeyId: 7,
    clientAddress: '127.0.0.1',
    userAgent: 'test',
    status: 200,
    errorClass: '',
    errorCode: '',
    errorMessage: '',
    endReason: 'complete',
    firstByteMs: 12,
    firstTokenMs: -1,
    durationMs: 20,
    bytesIn: 300,
    bytesOut: 500,
    tokens: { input: 10, output: 5, cached: -1, reasoning: -1 },
    attempts: [attempt(1)],
    isSampledOut: false,
    ...changes,
  }
}

export function attempt(
  number: number,
  changes: Partial<LogEvent['attempts'][number]> = {},
): LogEvent['attempts'][number] {
  return {
    number,
    groupId: 1,
    keyId: 40 + number,
    keyHint: 'sk-a…Zx9',
    upstream: 'api.openai.com',
    startedAtMs: nowMs,
    connectMs: 1,
    headMs: 10,
    endMs: 19,
    status: 200,
    errorClass: '',
    errorCode: '',
    errorMessage: '',
    ...changes,
  }
}

export function batchRecord(
  offset: number,
  events: readonly LogEvent[],
  identity: Partial<LogBatchIdentity> = {},
): StreamRecord {
  const writer = createLogEventWriter()
  for (const event of events) encodeLogEvent(writer, event)
  const whole = {
    source: 'edge-1.0',
    edge: 'edge-1',
    firstSequence: events[0]?.sequence ?? 1,
    count: events.length,
    ...identity,
  }
  const bytes = sealLogBatch({ identity: whole, events: payloadOf(writer), codec: 'zstd' })
  return { ...place, offset: String(offset), bytes, timestampMs: nowMs, identity: whole }
}

export async function openSqlite(): Promise<SqlClient> {
  const sql = createSqliteSqlClient(':memory:')
  await applySchema(sql)
  return sql
}

export async function openMysql(database: SqlServerDatabase): Promise<SqlClient> {
  const sql = createMariadbSqlClient(database, { connections: 4 })
  await applySchema(sql)
  return sql
}

async function applySchema(sql: SqlClient): Promise<void> {
  for (const name of readdirSync(migrationsOf(sql)).toSorted()) await applyMigration(sql, name)
}

export async function applyMigration(sql: SqlClient, name: string): Promise<void> {
  for (const statement of splitStatements(readFileSync(new URL(name, migrationsOf(sql)), 'utf8')))
    await sql.execute(statement)
}

function migrationsOf({ dialect }: SqlClient): URL {
  const url = import.meta.resolve('@gpt-load/database/sql-client/sql-client')
  return new URL(`../../migrations/${dialect}-logs/`, url)
}

export function openStore(sql: SqlClient, options: { now?: () => number } = {}) {
  const store = createLogStore({
    sql,
    days: createStoredDays(sql),
    meter: createIngestMeter(createMetrics({ hasProcessMetrics: false })),
    nowMs: options.now ?? (() => nowMs),
    retentionDays: () => 7,
  })
  return { store }
}

export async function count(sql: SqlClient, table: string, where = '1 = 1'): Promise<number> {
  const [row] = await sql.read(`SELECT COUNT(*) AS n FROM ${table} WHERE ${where}`)
  return Number(row?.['n'])
}
