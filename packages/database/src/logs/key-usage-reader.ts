import type { SqlReader, SqlRow } from '../sql-client/sql-client.ts'

/**
 * How keys were used, from the sums that log-ingest keeps per key and hour: no request is looked at, and no row of a key is
 * written when it is used. Ranges of the primary key (key, hour) only.
 */
export type KeyHour = { bucketS: number; requests: number; failures: number }
export type KeyTotals = { requests: number; failures: number }

export interface KeyUsageReader {
  /** Epoch ms by key; a key that was not used within what is kept is not there. */
  lastUsed(keyIds: readonly number[]): Promise<Map<number, number>>
  /** Sums by key from the hour that begins at `fromS` (epoch seconds) on. */
  totals(keyIds: readonly number[], fromS: number): Promise<Map<number, KeyTotals>>
  /** The same for one key by hours, oldest first; hours without a request are not there. */
  hours(keyId: number, fromS: number): Promise<KeyHour[]>
}

export function createKeyUsageReader(sql: Pick<SqlReader, 'dialect' | 'read'>): KeyUsageReader {
  const idsTable =
    sql.dialect === 'mysql'
      ? "(SELECT key_id FROM JSON_TABLE(?, '$[*]' COLUMNS (key_id BIGINT PATH '$')) j)"
      : '(SELECT value AS key_id FROM json_each(?))'
  return {
    async lastUsed(keyIds) {
      if (keyIds.length === 0) return new Map()
      // One step into the index per key, however long it has been in use.
      const rows = await sql.read(
        `SELECT k.key_id, (SELECT r.last_used_at FROM key_rollups r WHERE r.key_id = k.key_id
           ORDER BY r.bucket DESC LIMIT 1) AS last_used_at FROM ${idsTable} k`,
        [JSON.stringify(keyIds)],
      )
      return new Map(
        rows
          .filter(({ last_used_at: at }) => at !== null)
          .map((row) => [number(row, 'key_id'), number(row, 'last_used_at')]),
      )
    },
    async totals(keyIds, fromS) {
      if (keyIds.length === 0) return new Map()
      const rows = await sql.read(
        `SELECT key_id, SUM(requests) AS requests, SUM(failures) AS failures FROM key_rollups
         WHERE key_id IN (${'?,'.repeat(keyIds.length).slice(0, -1)}) AND bucket >= ? GROUP BY key_id`,
        [...keyIds, fromS],
      )
      return new Map(
        rows.map((row) => [
          number(row, 'key_id'),
          { requests: number(row, 'requests'), failures: number(row, 'failures') },
        ]),
      )
    },
    async hours(keyId, fromS) {
      const rows = await sql.read(
        'SELECT bucket, requests, failures FROM key_rollups WHERE key_id = ? AND bucket >= ? ORDER BY bucket',
        [keyId, fromS],
      )
      return rows.map((row) => ({
        bucketS: number(row, 'bucket'),
        requests: number(row, 'requests'),
        failures: number(row, 'failures'),
      }))
    },
  }
}

const number = (row: SqlRow, column: string): number => Number(row[column] ?? 0)
