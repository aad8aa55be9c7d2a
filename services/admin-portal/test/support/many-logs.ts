import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { splitStatements } from '@gpt-load/database/split-statements'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import type { Installation } from './installation.ts'

/** Copies of the one request in the log over the last day, with their sums, as log-ingest would have written them. */
export type ManyLogs = { fromMs: number; endMs: number; rareModel: string; rare: number }

const rowsPerStatement = 20_000
const minuteMs = 60_000
const spreadMs = 23 * 3_600_000
const rare = 3
const rareModel = 'rare-model'
const groupColumns = 'group_id, member_group_id, access_key_id, model_requested, model_sent, channel, upstream'
const models = 8

export async function fillLog({ folder }: Installation, rows: number): Promise<ManyLogs> {
  const sql = createSqliteSqlClient(join(folder, 'data', 'logs.db'))
  try {
    // The copies end before the newest minute: what really comes stays newest.
    const endMs = Math.floor(Date.now() / minuteMs) * minuteMs - minuteMs
    const fromMs = endMs - spreadMs
    await addShapes(sql)
    const columns = await copiedColumns(sql, 'request_logs', replaced)
    for (let from = 0; from < rows; from += rowsPerStatement)
      await sql.execute(copyStatement(columns), [
        from,
        Math.min(rows, from + rowsPerStatement) - 1,
        fromMs,
        spreadMs / rows,
      ])
    await sql.execute(`UPDATE request_logs SET shape = ? WHERE request_id IN (${'?,'.repeat(rare - 1)}?)`, [
      shapeOf(models),
      ...Array.from({ length: rare }, (_, index) => requestId(index)),
    ])
    await sql.execute(
      `INSERT INTO failed_requests SELECT stored_on, received_at, request_id, status, 'upstream', 'overloaded', 'too busy'
       FROM request_logs WHERE request_id LIKE 'copy-%' AND status = 503`,
    )
    for (const span of [60, 3_600, 86_400]) await sumUp(sql, span)
    await sumUpModels(sql)
    return { fromMs, endMs, rareModel, rare }
  } finally {
    await sql.close()
  }
}

export function requestId(index: number): string {
  return `copy-${String(index).padStart(12, '0')}`
}

async function copiedColumns(sql: SqlClient, table: string, others: object): Promise<string[]> {
  const columns = await sql.read(`SELECT name FROM pragma_table_info('${table}')`)
  return columns.map(({ name }) => String(name)).filter((name) => name !== 'id' && !(name in others))
}

const shapeOf = (place: number): Buffer => Buffer.from(`shape-${String(place).padStart(2, '0')}`)

/** One for each model and for the rare one, else like that of the one request. */
async function addShapes(sql: SqlClient): Promise<void> {
  const copied = await copiedColumns(sql, 'request_shapes', { shape: '', model_requested: '' })
  for (let place = 0; place <= models; place += 1)
    await sql.execute(
      `INSERT INTO request_shapes (shape, model_requested, ${copied.join(', ')}) SELECT ?, ?, ${copied.join(', ')}
       FROM (SELECT s.* FROM request_logs r JOIN request_shapes s ON s.stored_on = r.stored_on AND s.shape = r.shape ORDER BY r.id LIMIT 1)`,
      [shapeOf(place), place === models ? rareModel : `model-${place}`],
    )
}

/** Of 40 requests one fails; of 8 models each has as many. */
const replaced: Readonly<Record<string, string>> = {
  request_id: "printf('copy-%012d', n)",
  received_at: 'CAST(? + n * ? AS INTEGER)',
  shape: `CAST(printf('shape-%02d', n % ${models}) AS BLOB)`,
  status: 'CASE WHEN n % 40 = 0 THEN 503 ELSE 200 END',
  duration_ms: '20 + n % 3000',
}

function copyStatement(columns: readonly string[]): string {
  const names = Object.keys(replaced)
  return `WITH RECURSIVE numbers(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
    INSERT INTO request_logs (${[...names, ...columns].join(', ')})
    SELECT ${[...names.map((name) => replaced[name]), ...columns].join(', ')}
    FROM numbers, (SELECT * FROM request_logs WHERE request_id NOT LIKE 'copy-%' ORDER BY id LIMIT 1)`
}

async function sumUp(sql: SqlClient, span: number): Promise<void> {
  await sql.execute(
    `INSERT INTO request_rollups (span, bucket, dims, group_id, member_group_id, access_key_id, model, model_sent, channel, upstream,
       status_class, requests, failures, rescued, attempts, duration_ms, bytes_in, bytes_out, tokens_input, tokens_output, tokens_cached, tokens_reasoning)
     SELECT ${span}, received_at / 1000 / ${span} * ${span}, randomblob(16), ${groupColumns},
       status / 100, COUNT(*), SUM(status >= 500), 0, COUNT(*), SUM(duration_ms), SUM(bytes_in), SUM(bytes_out),
       SUM(MAX(0, tokens_input)), SUM(MAX(0, tokens_output)), 0, 0
     FROM request_logs r JOIN request_shapes s ON s.stored_on = r.stored_on AND s.shape = r.shape WHERE request_id LIKE 'copy-%'
     GROUP BY received_at / 1000 / ${span}, ${groupColumns}, status / 100`,
  )
}

/** As the migration did that made the table. */
async function sumUpModels(sql: SqlClient): Promise<void> {
  const file = new URL(
    '../../migrations/sqlite-logs/0007_model_rollups.sql',
    import.meta.resolve('@gpt-load/database/sql-client/sql-client'),
  )
  await sql.execute('DELETE FROM model_rollups')
  await sql.execute(splitStatements(await readFile(file, 'utf8')).at(-1)!)
}
