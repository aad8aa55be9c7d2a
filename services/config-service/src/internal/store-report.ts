import { edgeReachableMs, type EdgeReport } from '@gpt-load/contracts/edge-report'
import { quoteName } from '@gpt-load/database/bulk-insert'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'

/** The last report of an edge instance; the number of its last post stays. */
const columns = ['instance', 'name', 'version', 'epoch', 'revision', 'report', 'started_at', 'reported_at'] as const

export async function storeReport(store: DatabaseHandle, report: EdgeReport, nowMs: number): Promise<void> {
  await store.write(async ({ sql }) => {
    const changed = columns.filter((column) => column !== 'instance').map((column) => quoteName(sql, column))
    const update =
      sql.dialect === 'mysql'
        ? `ON DUPLICATE KEY UPDATE ${changed.map((column) => `${column} = VALUES(${column})`).join(', ')}`
        : `ON CONFLICT (instance) DO UPDATE SET ${changed.map((column) => `${column} = excluded.${column}`).join(', ')}`
    await sql.execute(`INSERT INTO edges (${columns.join(', ')}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ${update}`, [
      report.instance,
      report.edge,
      report.version,
      report.epoch,
      report.revision,
      JSON.stringify(report),
      report.started_at,
      nowMs,
    ])
  })
}

/** Edges that have reported lately; never none, since whoever asks is one. */
export async function countLiveEdges({ sql }: Pick<DatabaseHandle, 'sql'>, nowMs: number): Promise<number> {
  const [row] = await sql.query<{ live: number }>('SELECT COUNT(*) AS live FROM edges WHERE reported_at > ?', [
    nowMs - edgeReachableMs,
  ])
  return Math.max(1, Number(row?.live ?? 0))
}
