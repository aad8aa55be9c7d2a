import type { Edge, EdgeList } from '@gpt-load/contracts/api/edge'
import { edgeReachableMs, type EdgeReport } from '@gpt-load/contracts/edge-report'
import { authorise } from '../authorise.ts'
import { toInstant } from '../instant.ts'
import type { Services } from '../services.ts'
import { readPosition } from '../truth/read-position.ts'
import type { VerbAnswer, VerbContext } from '../verb.ts'

/** Instances that were silent for longer are history, not edges; their rows are removed by a job. */
const shownForMs = 86_400_000
const maxEdges = 1_000

export async function listEdges({ ctx }: { ctx: VerbContext }): Promise<VerbAnswer<EdgeList>> {
  authorise(ctx, 'listEdges')
  return { value: await loadEdges(ctx) }
}

export async function loadEdges({ store, clock }: Services): Promise<EdgeList> {
  const { epoch, revision } = await readPosition(store.sql)
  const nowMs = clock.nowMs()
  const rows = await store.database.edge.findMany({
    where: { reported_at: { gte: nowMs - shownForMs } },
    orderBy: [{ name: 'asc' }, { started_at: 'desc' }],
    take: maxEdges,
  })
  const items = rows.map((row) => toEdge(row, { epoch, revision, nowMs }))
  const reachable = items.filter((edge) => edge.reachable)
  return {
    epoch,
    revision,
    reachable: reachable.length,
    applied: reachable.filter((edge) => edge.lag === 0).length,
    items,
  }
}

function logOf({ log }: Partial<EdgeReport>): Edge['log'] {
  const { served = 0, acknowledged = 0, in_flight = 0, spooled = 0, dropped = 0 } = log ?? {}
  return { served, acknowledged, in_flight, spooled, dropped }
}

type EdgeRow = {
  instance: string
  name: string
  version: string
  epoch: string
  revision: bigint
  report: string
  started_at: bigint
  reported_at: bigint
}

function toEdge(row: EdgeRow, current: { epoch: string; revision: number; nowMs: number }): Edge {
  const report = JSON.parse(row.report) as Partial<EdgeReport>
  const reported = Number(row.revision)
  // Revisions of another epoch say nothing about this one.
  const lag = row.epoch === current.epoch ? Math.max(0, current.revision - reported) : Math.max(1, current.revision)
  return {
    instance: row.instance,
    name: row.name,
    version: row.version,
    reachable: current.nowMs - Number(row.reported_at) < edgeReachableMs,
    epoch: row.epoch,
    revision: reported,
    lag,
    state_hash: report.state_hash ?? '',
    clock_skew_ms: report.clock_skew_ms ?? 0,
    ready: report.ready ?? false,
    draining: report.draining ?? false,
    workers: report.workers ?? 0,
    in_flight: report.in_flight ?? 0,
    keys: report.keys ?? 0,
    feed_connected: report.feed_connected ?? false,
    outbox_pending: report.outbox_pending ?? 0,
    worker_deaths: report.worker_deaths ?? 0,
    open_upstreams: (report.open_upstreams ?? []).map((open) => ({
      ...open,
      is_throttled: open.is_throttled ?? false,
      retry_at: toInstant(open.retry_at),
    })),
    log: logOf(report),
    started_at: toInstant(row.started_at),
    reported_at: toInstant(row.reported_at),
  }
}
