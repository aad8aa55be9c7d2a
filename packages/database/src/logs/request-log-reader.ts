import type { RequestLog, RequestLogDetail } from '@gpt-load/contracts/api/log'
import { createAttemptLogReader, type AttemptLogReader } from './attempt-log-reader.ts'
import { createContentReader, type ContentReader } from './content-reader.ts'
import { createKeyUsageReader, type KeyUsageReader } from './key-usage-reader.ts'
import { searchLogs, type LogSearchPage, type LogSearchQuery } from './log-search.ts'
import { failureJoin, lastAttempt, requestColumns, shapeJoin, toAttempt, toRequestLog } from './request-log-rows.ts'
import { createStatsReader, type StatsReader } from './stats-reader.ts'
import type { SqlReader } from '../sql-client/sql-client.ts'
import { withoutTablesEmpty } from './without-tables-empty.ts'

/**
 * Reads request logs by indexes only: a time range is mandatory, pages go by keyset (newest first), nothing is counted.
 * Serves the admin API; the tables are log-ingest's. Before it has made them nothing has been logged: no rows, no failure.
 */
/** Buckets of log-ingest: `spanS` seconds long, from the one that begins at `fromS` (epoch seconds) on. */
export type RequestTotalsQuery = {
  spanS: 60 | 3_600
  fromS: number
  /** The group in the URL or the member that served it. */
  groupId?: number
}
export type RequestSeriesQuery = {
  spanS: 60 | 3_600
  /** Begins of the first bucket and of the one after the last. */
  fromS: number
  toS: number
  groupId?: number
}
/** Sums of one bucket; one in which nothing happened is not there. */
export type RequestSums = { bucketS: number; requests: number; failures: number }
export type RequestTotals = { requests: number; failures: number }

export interface RequestLogReader {
  /** The same rows by attempt, for GPT-Load's routes. */
  attempts: AttemptLogReader
  keys: KeyUsageReader
  contents: ContentReader
  /** Sums over many requests. */
  stats: StatsReader
  search(query: LogSearchQuery): Promise<LogSearchPage>
  /** Rows stored after `afterId`, the newest of them, oldest first; without it only where to begin. */
  newest(query: { afterId: number | null; limit: number }): Promise<NewestLogs>
  /** Null when there is no such request (or its row was dropped). */
  find(requestId: string): Promise<RequestLogDetail | null>
  /** Sums over a range of the rollups' primary key: a few rows per bucket, however many requests there were. */
  totals(query: RequestTotalsQuery): Promise<RequestTotals>
  /** The same, bucket by bucket, oldest first. */
  series(query: RequestSeriesQuery): Promise<RequestSums[]>
}

export function createRequestLogReader(client: SqlReader): RequestLogReader {
  const sql = withoutTablesEmpty(client)
  const stats = createStatsReader(sql)
  return {
    stats,
    attempts: createAttemptLogReader(sql),
    keys: createKeyUsageReader(sql),
    contents: createContentReader(sql),
    search: (query) => searchLogs(sql, query),
    newest: (query) => readNewest(sql, query),
    async find(requestId) {
      const [row] = await sql.read(
        `SELECT ${requestColumns} FROM request_logs r ${failureJoin} ${shapeJoin} WHERE r.request_id = ? LIMIT 1`,
        [requestId],
      )
      if (row === undefined) return null
      const attempts = await sql.read('SELECT * FROM request_attempts WHERE request_id = ? ORDER BY number', [
        requestId,
      ])
      return { ...toRequestLog(row), attempts: [...attempts.map(toAttempt), ...lastAttempt(row)] }
    },
    async totals({ spanS, fromS, groupId }) {
      const toS = Number.MAX_SAFE_INTEGER
      const [row] = await stats.sums({ spanS, fromS, toS, ...(groupId === undefined ? {} : { groupId }), by: [] })
      return { requests: row?.sums.requests ?? 0, failures: row?.sums.failures ?? 0 }
    },
    async series(query) {
      const rows = await stats.sums({ ...query, by: ['bucket'] })
      return rows
        .map(({ bucket, sums: { requests, failures } }) => ({ bucketS: Number(bucket), requests, failures }))
        .toSorted((a, b) => a.bucketS - b.bucketS)
    },
  }
}

export type NewestLogs = {
  items: RequestLog[]
  /** Where to go on. */
  lastId: number
  /** Rows between, that were more than `limit`. */
  skipped: number
}

async function readNewest(
  sql: SqlReader,
  { afterId, limit }: { afterId: number | null; limit: number },
): Promise<NewestLogs> {
  if (afterId === null) {
    const [row] = await sql.read('SELECT MAX(id) AS id FROM request_logs')
    return { items: [], lastId: Number(row?.['id'] ?? 0), skipped: 0 }
  }
  const rows = await sql.read(
    `SELECT ${requestColumns} FROM request_logs r ${failureJoin} ${shapeJoin} WHERE r.id > ? ORDER BY r.id DESC LIMIT ${limit}`,
    [afterId],
  )
  const oldestFirst = rows.toReversed()
  const ids = oldestFirst.map((row) => Number(row['id']))
  const isCut = rows.length === limit
  return {
    items: oldestFirst.map(toRequestLog),
    lastId: ids.at(-1) ?? afterId,
    skipped: isCut ? Math.max(0, (ids[0] ?? afterId) - afterId - 1) : 0,
  }
}
