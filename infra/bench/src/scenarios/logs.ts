import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase } from '@gpt-load/database/create-database'
import { createRequestLogReader, type RequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import { migrate } from '@gpt-load/database/migrate'
import { createSqliteSqlClient } from '@gpt-load/database/sql-client/sqlite-sql-client'
import { createMariadbSqlClient } from '@gpt-load/database/sql-client/mariadb-sql-client'
import type { SqlClient } from '@gpt-load/database/sql-client/sql-client'
import { maxEventsPerTransaction } from '@gpt-load/log-ingest/log-store'
import { insertEvents } from '@gpt-load/log-ingest/store-records'
import { createStoredDays, dayOf, rowTables } from '@gpt-load/log-ingest/stored-days'
import { startMariadb } from '@gpt-load/testkit/servers/mariadb-server'
import { percentile, type Figure, type ScenarioReport } from '../figure.ts'
import { repeatDay } from '../lab/fill-log.ts'
import { logEventOf } from '../lab/log-events.ts'

/**
 * What storing a request costs log-ingest (rows and rollups, its own statements, in this process, as fast as two partitions
 * come), in MariaDB and in standalone's SQLite; then a log of many requests over seven days: how many bytes one takes, and how
 * long the questions of the portal take.
 */
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const days = 7
const spanMs = days * dayMs
/** Of the part that is timed: a minute holds so many, as when they come. */
const rowsPerSecond = 15_000
const timedRows = 300_000

export async function measureLogs(rows: number): Promise<ScenarioReport> {
  await using server = await startMariadb({ args: ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=96M'] })
  const { name } = await server.createDatabase()
  const connection = { host: server.host, port: server.port, user: 'root', password: '', database: name }
  const handle = createDatabase({ dialect: 'mysql', ...connection }, { poolSize: 1 })
  await migrate(handle, { component: 'logs' })
  await handle.close()
  const sql = createMariadbSqlClient(connection, { connections: 4 })
  try {
    const today = dayOf(Date.now())
    const [firstDay, endMs] = [today - days, today * dayMs]
    const storedDays = createStoredDays(sql)
    for (let day = firstDay; day <= today; day += 1) await storedDays.ensure(day)
    const nowMs = Date.now()
    const stored = await store(sql, {
      rows: Math.min(rows, timedRows),
      partitions: 2,
      storedOn: today,
      receivedAt: (at, count) => nowMs - (count - at) / (rowsPerSecond / 1_000),
    })
    for (const table of storedTables) await sql.execute(`TRUNCATE TABLE ${table}`)
    const rowsOfDay = Math.ceil(rows / days)
    await store(sql, {
      rows: rowsOfDay,
      partitions: 1,
      storedOn: firstDay,
      receivedAt: (at) => firstDay * dayMs + (at / rowsOfDay) * dayMs,
    })
    await repeatDay(sql, firstDay, days - 1)
    const reader = createRequestLogReader(sql)
    const sizes = await bytesPerRow(sql, rowsOfDay * days)
    return {
      title: `A log of ${rows.toLocaleString('en')} requests`,
      conditions: `MariaDB with a buffer pool of 512 MB on the same cores; ${maxEventsPerTransaction.mysql} rows per transaction; the log has a day's rows ${days} times over.`,
      figures: [
        { name: 'stored with rollups', unit: 'rows/s', values: [stored.rowsPerSecond], target: { atLeast: 15_000 } },
        { name: 'CPU per row in Node', unit: 'µs', values: [stored.cpuUsPerRow], target: { atMost: 60 } },
        await standaloneStores(Math.min(rows, timedRows)),
        {
          name: 'bytes per row, indexes included',
          unit: 'B',
          values: [sizes.reduce((sum, { bytes }) => sum + bytes, 0)],
          target: { atMost: 350 },
        },
        ...(await questions(reader, endMs)),
      ],
      notes: [`bytes per row: ${sizes.map(({ name, bytes }) => `${name} ${bytes.toFixed(1)}`).join(', ')}`],
    }
  } finally {
    await sql.close()
  }
}

type Storing = {
  rows: number
  /** So many transactions at once. */
  partitions: number
  storedOn: number
  receivedAt(at: number, count: number): number
}

async function store(
  sql: SqlClient,
  { rows, partitions, storedOn, receivedAt }: Storing,
): Promise<{ rowsPerSecond: number; cpuUsPerRow: number }> {
  const atOnce = maxEventsPerTransaction[sql.dialect]
  const identity = { source: 'bench.0', edge: 'bench', firstSequence: 1, count: atOnce }
  const time = { storedOn, nowMs: Date.now(), retentionMs: 0 }
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  let generatedUs = 0
  let next = 0
  async function storePartition(): Promise<void> {
    while (next < rows) {
      const from = next
      next += atOnce
      const before = process.cpuUsage()
      const events = Array.from({ length: Math.min(atOnce, rows - from) }, (_, index) =>
        logEventOf(from + index + 1, Math.floor(receivedAt(from + index, rows))),
      )
      const spent = process.cpuUsage(before)
      generatedUs += spent.user + spent.system
      await sql.transaction((transaction) => insertEvents(transaction, [{ identity, events }], time))
    }
  }
  await Promise.all(Array.from({ length: partitions }, storePartition))
  const seconds = (performance.now() - startedMs) / 1_000 - generatedUs / 1e6
  const { user, system } = process.cpuUsage(cpu)
  return { rowsPerSecond: rows / seconds, cpuUsPerRow: (user + system - generatedUs) / rows }
}

/** What its log thread can store at most, and so how many requests a second leave no growing backlog. */
async function standaloneStores(rows: number): Promise<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'gpt-load-bench-'))
  const path = join(folder, 'logs.db')
  const handle = createDatabase({ dialect: 'sqlite', path }, { poolSize: 1 })
  await migrate(handle, { component: 'logs' })
  await handle.close()
  const sql = createSqliteSqlClient(path)
  try {
    const nowMs = Date.now()
    const receivedAt = (at: number, count: number) => nowMs - (count - at) / 5
    const stored = await store(sql, { rows, partitions: 1, storedOn: dayOf(nowMs), receivedAt })
    return { name: 'stored by standalone', unit: 'rows/s', values: [stored.rowsPerSecond], target: { atLeast: 5_000 } }
  } finally {
    await sql.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Everything that a request leaves but its sums. */
const storedTables = [...rowTables, 'request_shapes'] as const

/** By index, of every table that holds requests; the rows themselves are in PRIMARY. */
async function bytesPerRow(sql: SqlClient, rows: number): Promise<{ name: string; bytes: number }[]> {
  const indexes: { name: string; bytes: number }[] = []
  for (const table of storedTables) {
    await sql.read(`ANALYZE TABLE ${table}`)
    const sizes = await sql.read(
      `SELECT index_name AS name, SUM(stat_value) * @@innodb_page_size AS bytes FROM mysql.innodb_index_stats
       WHERE database_name = DATABASE() AND stat_name = 'size' AND (table_name = ? OR table_name LIKE ?) GROUP BY index_name`,
      [table, `${table}#%`],
    )
    indexes.push(...sizes.map(({ name, bytes }) => ({ name: `${table}.${String(name)}`, bytes: Number(bytes) / rows })))
  }
  return indexes
}

const asked = 60

/** Each at another place of the log, as people do. */
async function questions(reader: RequestLogReader, endMs: number) {
  const fromMs = endMs - spanMs
  const at = (index: number) => endMs - Math.floor((index / asked) * (spanMs - dayMs))
  const search = (index: number, filters: object) =>
    reader.search({ fromMs, toMs: at(index), order: 'newest', limit: 100, ...filters })
  const indexed = [{}, { groupId: 7 }, { accessKeyId: 11 }, { keyId: 77 }, { isFailed: true, limit: 50 }] as const
  const scanned = [
    { model: 'gpt-4o-3' },
    { minDurationMs: 15_000 },
    { statusClass: 5 },
    { model: 'not there' },
  ] as const
  const span = { spanS: 3_600, fromS: Math.floor(fromMs / hourMs) * 3_600, toS: Math.ceil(endMs / hourMs) * 3_600 }
  const day = { ...span, fromS: span.toS - 86_400 }
  return [
    await timed('log page by an index, p95', 100, (index) => search(index, indexed[index % indexed.length]!)),
    await timed('log page by a scan, p95', 100, (index) => search(index, scanned[index % scanned.length]!)),
    await timed('dashboard of a day, p95', 150, () => dashboard(reader, day)),
    await timed('dashboard of seven days, p95', 150, () => dashboard(reader, span)),
    // The last one: it leaves nothing of the others' in the buffer pool.
    ...(await longScan(reader, { fromMs, toMs: endMs })),
  ]
}

/** A search that finds nothing, followed through all days as the portal does: each step, and the whole. */
async function longScan(reader: RequestLogReader, range: { fromMs: number; toMs: number }): Promise<Figure[]> {
  const query = { ...range, order: 'newest', limit: 100, model: 'not there' } as const
  const steps: number[] = []
  for (let page = await step(query); page.next !== null; page = await step({ ...query, after: page.next }));
  return [
    { name: 'step of a scan of all rows, p95', unit: 'ms', values: [percentile(steps, 95)], target: { atMost: 100 } },
    { name: 'scan of all rows', unit: 's', values: [steps.reduce((sum, ms) => sum + ms, 0) / 1_000] },
  ]

  async function step(asked: Parameters<RequestLogReader['search']>[0]) {
    const startedMs = performance.now()
    const page = await reader.search(asked)
    steps.push(performance.now() - startedMs)
    return page
  }
}

/** What the overview asks for at once. */
async function dashboard({ stats }: RequestLogReader, range: { spanS: number; fromS: number; toS: number }) {
  const cost = ['channel', 'model_sent', 'day'] as const
  const scopes = [{ kind: 'all', value: '' }] as const
  const before = { ...range, fromS: 2 * range.fromS - range.toS, toS: range.fromS }
  await Promise.all([
    stats.sums({ ...range, by: ['bucket', ...cost] }),
    stats.sums({ ...range, by: cost }),
    stats.sums({ ...before, by: cost }),
    stats.latency({ ...range, scopes, isByBucket: false }),
    stats.errors({ ...range, isByBucket: true }),
  ])
}

async function timed(name: string, atMost: number, ask: (index: number) => Promise<unknown>) {
  await ask(0)
  const times: number[] = []
  for (let index = 0; index < asked; index += 1) {
    const startedMs = performance.now()
    await ask(index)
    times.push(performance.now() - startedMs)
  }
  return { name, unit: 'ms', values: [percentile(times, 95)], target: { atMost } }
}
