import type { MetaRecord, SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { setImmediate } from 'node:timers/promises'
import { keyColumns, keyModelsRecords, keysRecords, modelColumns, type KeyRow, type ModelRow } from './key-records.ts'
import {
  readAccessKeyRecords,
  readAdminKeyRecords,
  readGroupIds,
  readGroupRecords,
  readSettingsRecord,
  type RecordContext,
} from './policy-records.ts'
import type { Position } from './read-position.ts'

/**
 * Everything, in one consistent view: meta, settings, groups, access keys, keys, deviations. Keys come by keyset pages, so
 * memory holds one page, whatever their number.
 */
const rowsPerPage = 1_000
/** Opening this many takes about 1 ms; a list of keys asks the database ten times and would wait for as many pages. */
const keysPerTurn = 200

/** `sql` is a snapshot read, `position` what it says. Gives way to other work every few keys. */
export async function* readBase(
  sql: SqlRunner,
  context: RecordContext,
  position: Position,
  nowMs: number,
): AsyncGenerator<SnapshotRecord, void, void> {
  const pepper = Buffer.from(context.keyring.pepper).toString('base64')
  yield { t: 'meta', ...position, server_time_ms: nowMs, pepper } satisfies MetaRecord
  yield await readSettingsRecord(sql, context)
  yield* await readGroupRecords(sql, context, 'all')
  yield* await readAccessKeyRecords(sql, 'all')
  yield* await readAdminKeyRecords(sql, context)
  const groupIds = await readGroupIds(sql)
  for await (const page of pages<KeyRow>(sql, keyPage, ({ id }) => [id])) {
    const rows = page.filter(({ group_id }) => groupIds.has(group_id))
    for (let start = 0; start < rows.length; start += keysPerTurn) {
      yield* keysRecords(context.keyring, rows.slice(start, start + keysPerTurn))
      await setImmediate()
    }
  }
  for await (const rows of pages<ModelRow>(sql, modelPage, ({ id, model }) => [id, id, model]))
    yield* keyModelsRecords(rows.filter(({ group_id }) => groupIds.has(group_id)))
}

const keyPage = {
  first: [0],
  sql: `SELECT ${keyColumns} FROM provider_keys WHERE id > ? ORDER BY id LIMIT ${rowsPerPage}`,
}
const modelPage = {
  first: [0, 0, ''],
  sql:
    `SELECT ${modelColumns} FROM key_model_states WHERE state <> 'active' AND (key_id > ? OR (key_id = ? AND model > ?)) ` +
    `ORDER BY key_id, model LIMIT ${rowsPerPage}`,
}

async function* pages<Row extends object>(
  sql: SqlRunner,
  page: { sql: string; first: (number | string)[] },
  keyOf: (row: Row) => (number | string)[],
): AsyncGenerator<Row[], void, void> {
  let after = page.first
  for (;;) {
    const rows = await sql.query<Row>(page.sql, after)
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    if (rows.length < rowsPerPage) return
    after = keyOf(last)
    await setImmediate()
  }
}
