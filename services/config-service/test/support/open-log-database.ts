import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { shapeColumns } from '@gpt-load/database/logs/request-log-rows'
import { createRequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import { splitStatements } from '@gpt-load/database/split-statements'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import type { SqlValue } from '@gpt-load/database/sql-client/sql-client'
import { insertStatement } from '@gpt-load/database/sql-client/sql-statements'

/** The log tables in memory, written as log-ingest would: how it sums up is tested there. */
export async function openLogDatabase() {
  const sql = createSqliteSqlClient(':memory:')
  const place = new URL(
    '../../migrations/sqlite-logs/',
    import.meta.resolve('@gpt-load/database/sql-client/sql-client'),
  )
  const statements = readdirSync(place)
    .toSorted()
    .flatMap((name) => splitStatements(readFileSync(new URL(name, place), 'utf8')))
  for (const statement of statements) await sql.execute(statement)

  const insert = (table: string, row: Record<string, SqlValue>) =>
    sql.execute(insertStatement(table, Object.keys(row), 1), Object.values(row))
  const bucketOf = (span: number, atMs: number) => ({
    span,
    bucket: Math.floor(atMs / 1_000 / span) * span,
    dims: randomBytes(16),
  })
  const sumUpModels = statements.findLast((statement) => statement.includes('INTO model_rollups'))!
  return {
    reader: createRequestLogReader(sql),
    insert,
    /** Into the sums of an hour and its day. */
    async addSums(atMs: number, row: Record<string, SqlValue> = {}): Promise<void> {
      for (const span of [3_600, 86_400])
        await insert('request_rollups', { ...sumsRow, ...bucketOf(span, atMs), ...row })
      await sql.execute('DELETE FROM model_rollups')
      await sql.execute(sumUpModels)
    },
    async addErrors(atMs: number, row: Record<string, SqlValue>): Promise<void> {
      for (const span of [3_600, 86_400])
        await insert('error_rollups', { ...errorRow, ...bucketOf(span, atMs), ...row })
    },
    /** With a shape of its own. */
    async addLog(id: number, changes: Record<string, SqlValue> = {}): Promise<void> {
      const isOfShape = (name: string) => shapeColumns.some((column) => column === name)
      const shape = Buffer.from(String(id).padStart(8, '0'))
      const columns = Object.entries({ ...logRow, id, request_id: `req-${id}`, ...changes })
      const { stored_on } = { ...logRow, ...changes }
      await insert('request_shapes', {
        stored_on,
        shape,
        ...Object.fromEntries(columns.filter(([name]) => isOfShape(name))),
      })
      await insert('request_logs', { shape, ...Object.fromEntries(columns.filter(([name]) => !isOfShape(name))) })
    },
  }
}
export type LogDatabase = Awaited<ReturnType<typeof openLogDatabase>>

const sumsRow = {
  group_id: 1,
  member_group_id: 0,
  access_key_id: 1,
  status_class: 2,
  model: 'gpt-4o',
  model_sent: 'gpt-4o-2024-08-06',
  channel: 'openai',
  upstream: 'api.openai.com',
  requests: 1,
  failures: 0,
  rescued: 0,
  attempts: 1,
  duration_ms: 100,
  bytes_in: 10,
  bytes_out: 20,
  tokens_input: 0,
  tokens_output: 0,
  tokens_cached: 0,
  tokens_reasoning: 0,
}
const errorRow = {
  group_id: 1,
  member_group_id: 0,
  access_key_id: 1,
  model: 'gpt-4o',
  upstream: 'api.openai.com',
  status: 502,
  error_class: 'upstream',
  error_code: '',
  requests: 1,
}
const logRow = {
  stored_on: 1,
  received_at: 0,
  edge: 'e',
  group_id: 1,
  group_name: 'g',
  member_group_id: 0,
  member_group_name: '',
  channel: 'openai',
  method: 'POST',
  request_path: '/v1/x',
  model_requested: 'gpt-4o',
  model_sent: 'gpt-4o',
  is_stream: 0,
  access_key_id: 1,
  key_id: 1,
  key_hint: '…',
  upstream: 'u',
  client_address: '',
  user_agent: '',
  status: 200,
  error_class: '',
  error_code: '',
  end_reason: 'complete',
  connect_ms: 1,
  first_byte_ms: 1,
  first_token_ms: null,
  duration_ms: 2,
  bytes_in: 0,
  bytes_out: 0,
  tokens_input: 3,
  tokens_output: 4,
  tokens_cached: null,
  tokens_reasoning: null,
  attempts: 1,
  clock_flag: 0,
}
