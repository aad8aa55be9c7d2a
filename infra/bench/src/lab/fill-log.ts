import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'

/**
 * Days of a log from its first one, inside MariaDB: whatever a day has left (rows, shapes, sums), as many days later. Generating
 * each row here would take an hour for what this takes minutes for. Rows come in the order of their time, as when they are logged.
 */
const dayS = 86_400
const rowsPerStatement = 50_000

export async function repeatDay(sql: SqlClient, firstDay: number, copies: number): Promise<void> {
  const ofDay = `stored_on = ${firstDay}`
  const bucketsOfDay = `bucket >= ${firstDay * dayS} AND bucket < ${(firstDay + 1) * dayS}`
  const [ids] = await sql.read(`SELECT MIN(id) AS lowest, MAX(id) AS highest FROM request_logs WHERE ${ofDay}`)
  for (let days = 1; days <= copies; days += 1) {
    const later = {
      stored_on: `stored_on + ${days}`,
      received_at: `received_at + ${days * dayS * 1_000}`,
      started_at: `started_at + ${days * dayS * 1_000}`,
      request_id: `CONCAT('${days}', SUBSTR(request_id, 2))`,
      bucket: `bucket + ${days * dayS}`,
      last_used_at: `last_used_at + ${days * dayS * 1_000}`,
    }
    await copy(sql, 'request_shapes', later, ofDay)
    for (let from = Number(ids?.['lowest']); from <= Number(ids?.['highest']); from += rowsPerStatement)
      await copy(
        sql,
        'request_logs',
        later,
        `${ofDay} AND id >= ${from} AND id < ${from + rowsPerStatement} ORDER BY id`,
      )
    for (const table of ['failed_requests', 'request_attempts']) await copy(sql, table, later, ofDay)
    for (const table of ['request_rollups', 'model_rollups', 'error_rollups', 'latency_histograms', 'key_rollups'])
      await copy(sql, table, later, bucketsOfDay)
  }
}

async function copy(sql: SqlClient, table: string, later: Record<string, string>, where: string): Promise<void> {
  const found = await sql.read(
    `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND EXTRA NOT LIKE '%auto_increment%'`,
    [table],
  )
  const names = found.map(({ name }) => String(name))
  const values = names.map((name) => later[name] ?? name)
  await sql.execute(
    `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${table} WHERE ${where}`,
  )
}
