import type { LogCounts, ReconciledEdge, Reconciliation } from '@gpt-load/contracts/api/log-account'
import { maxListedGaps, maxReconciledEdges } from '@gpt-load/contracts/api/log-account'
import { edgeReachableMs, edgeReportIntervalMs } from '@gpt-load/contracts/edge-report'
import type { EdgeReport } from '@gpt-load/contracts/edge-report'
import type { LogAccountReader, SourceAccount } from '@gpt-load/database/logs/log-account-reader'
import { authorise } from '../authorise.ts'
import { toInstant, toOptionalInstant } from '../instant.ts'
import type { Services } from '../services.ts'
import type { Verb } from '../verb.ts'

/**
 * Holds what edges have reported against what is stored. An edge that lives accounts for itself: what is not stored is under way, unless
 * it stands before something that was stored long ago. One that is gone has nothing under way any more once the log stream is
 * stored to its end.
 */
const keptForMs = 7 * 86_400_000
/** A batch that waits longer than this while later ones are stored is late beyond the ways that it can take. */
const gapGraceMs = 60_000
/** Positions of the stream are as old as this at most when they are written. */
const positionSlackMs = 10_000
/** Sources whose batches are read for one answer. */
const maxScannedSources = 50

export const reconcileLogs: Verb<'reconcileLogs'> = async ({ ctx, input }) => {
  authorise(ctx, 'reconcileLogs')
  return { value: await reconcile(ctx, { hasGaps: input.query.gaps }) }
}

type Gap = ReconciledEdge['gaps'][number]
type EdgeRow = { instance: string; name: string; report: string; reported_at: bigint }
type Known = { nowMs: number; caughtUpAtMs: number | null; gapsOf(source: string): Promise<Gap[]> }

export async function reconcile(
  { store, logAccounts, clock }: Pick<Services, 'store' | 'logAccounts' | 'clock'>,
  { hasGaps }: { hasGaps: boolean },
): Promise<Reconciliation> {
  const nowMs = clock.nowMs()
  // In this order: what is stored while we read must have been reported before, or it would be counted as missing.
  const caughtUpAtMs = await logAccounts.caughtUpAtMs()
  const rows = await store.database.edge.findMany({
    where: { reported_at: { gte: nowMs - keptForMs } },
    orderBy: [{ reported_at: 'desc' }],
    take: maxReconciledEdges,
  })
  const accounts = Map.groupBy(await logAccounts.sources(nowMs - keptForMs), ({ instance }) => instance)
  const gapsOf = hasGaps ? createGapScan(logAccounts, caughtUpAtMs) : async () => []
  const edges: ReconciledEdge[] = []
  for (const row of rows)
    edges.push(await reconcileEdge(row, accounts.get(row.instance) ?? [], { nowMs, caughtUpAtMs, gapsOf }))
  return { ...sumOf(edges), caught_up_at: toOptionalInstant(caughtUpAtMs ?? 0), edges }
}

function createGapScan(logAccounts: LogAccountReader, caughtUpAtMs: number | null) {
  let scanned = 0
  return async (source: string): Promise<Gap[]> => {
    if (scanned++ >= maxScannedSources) return []
    const gaps = await logAccounts.gaps(source, maxListedGaps + 1)
    return gaps.map(({ from, to, isDeadLettered, seenAtMs }) => {
      const isLate = caughtUpAtMs !== null && caughtUpAtMs - seenAtMs > gapGraceMs
      return { source, from, to, reason: isDeadLettered ? 'dead_lettered' : isLate ? 'missing' : 'awaited' }
    })
  }
}

async function reconcileEdge(row: EdgeRow, accounts: readonly SourceAccount[], known: Known): Promise<ReconciledEdge> {
  const { log: reported = noLog } = JSON.parse(row.report) as Partial<EdgeReport>
  const reportedAtMs = Number(row.reported_at)
  const state = stateOf(reported, reportedAtMs, known)
  const total = (of: (account: SourceAccount) => number) => accounts.reduce((sum, account) => sum + of(account), 0)
  const stored = {
    committed: total((a) => a.committed),
    sampled_out: total((a) => a.sampledOut),
    dead_lettered: total((a) => a.deadLettered),
  }
  const seen = total(({ lastSequence }) => lastSequence)
  const served = Math.max(reported.served, seen)
  const rest = served - stored.committed - stored.sampled_out - stored.dead_lettered
  const isLost = state !== 'live' && isSettled(reportedAtMs, known)
  const gaps = rest === 0 ? [] : await gapsOfEdge(accounts, { reported, isLost, known })
  const places = placesOf(rest, { reported, gaps, isLost })
  return {
    edge: row.name,
    instance: row.instance,
    state,
    reported_at: toInstant(reportedAtMs),
    served,
    ...stored,
    ...places,
    unknown_at_most: state === 'killed' ? unknownAfter(reported, seen) : 0,
    gaps: gaps.slice(0, maxListedGaps),
    has_more_gaps: gaps.length > maxListedGaps,
  }
}

const noLog: EdgeReport['log'] = {
  served: 0,
  acknowledged: 0,
  in_flight: 0,
  spooled: 0,
  dropped: 0,
  sources: [],
  peak_per_second: 0,
  is_final: false,
}

function stateOf(log: EdgeReport['log'], reportedAtMs: number, { nowMs }: Known): ReconciledEdge['state'] {
  if (log.is_final) return 'ended'
  return nowMs - reportedAtMs < edgeReachableMs ? 'live' : 'killed'
}

/** Everything that the edge can have sent before it fell silent is stored. */
function isSettled(reportedAtMs: number, { caughtUpAtMs }: Known): boolean {
  return caughtUpAtMs !== null && caughtUpAtMs > reportedAtMs + edgeReachableMs + positionSlackMs
}

/** Where the records are that are not stored. */
function placesOf(
  rest: number,
  edge: { reported: EdgeReport['log']; gaps: readonly Gap[]; isLost: boolean },
): Pick<LogCounts, 'dropped' | 'spooled' | 'in_flight' | 'missing'> {
  const { reported } = edge
  const dropped = Math.min(rest, reported.dropped)
  const spooled = Math.min(rest - dropped, reported.spooled)
  const open = rest - dropped - spooled
  if (edge.isLost) return { dropped, spooled, in_flight: 0, missing: open }
  const late = edge.gaps.reduce((sum, { from, to, reason }) => sum + (reason === 'missing' ? to - from + 1 : 0), 0)
  const missing = Math.min(open, Math.max(0, late - dropped - spooled - reported.in_flight))
  return { dropped, spooled, in_flight: open - missing, missing }
}

/** Gaps between batches, and what a source has handed out after its last one. */
async function gapsOfEdge(
  accounts: readonly SourceAccount[],
  { reported, isLost, known }: { reported: EdgeReport['log']; isLost: boolean; known: Known },
): Promise<Gap[]> {
  const gaps: Gap[] = []
  const handedOut = new Map(reported.sources.map(({ source, served }) => [source, served]))
  for (const { source, lastSequence, committed, sampledOut } of accounts) {
    if (committed + sampledOut !== lastSequence) gaps.push(...(await known.gapsOf(source)))
  }
  const stored = new Map(accounts.map(({ source, lastSequence }) => [source, lastSequence]))
  for (const [source, last] of handedOut) {
    const from = (stored.get(source) ?? 0) + 1
    if (last >= from) gaps.push({ source, from, to: last, reason: 'awaited' })
  }
  // Of an edge that is gone nothing is on its way any more.
  return isLost ? gaps.map((gap) => (gap.reason === 'awaited' ? { ...gap, reason: 'missing' } : gap)) : gaps
}

/**
 * It reported every second, and its last report may have died with it, on its way for as long: in two intervals it can have made
 * twice what it made in its fastest one. That one may be what was stored after the last report, of an edge that traffic had only
 * just come to.
 */
function unknownAfter({ served, peak_per_second: peak }: EdgeReport['log'], seen: number): number {
  const storedSince = Math.max(0, seen - served)
  const fastest = Math.max(Math.ceil((peak * edgeReportIntervalMs) / 1_000), storedSince)
  return 2 * fastest - storedSince
}

function sumOf(edges: readonly ReconciledEdge[]): LogCounts {
  const sum = (name: keyof LogCounts) => edges.reduce((total, edge) => total + edge[name], 0)
  return {
    served: sum('served'),
    committed: sum('committed'),
    sampled_out: sum('sampled_out'),
    dead_lettered: sum('dead_lettered'),
    dropped: sum('dropped'),
    spooled: sum('spooled'),
    in_flight: sum('in_flight'),
    missing: sum('missing'),
    unknown_at_most: sum('unknown_at_most'),
  }
}
