import type { LogCounts, ReconciledEdge, Reconciliation } from '@gpt-load/contracts/api/log-account'
import type { ServerSession } from '../server-commands.ts'

/** Whether the request log is whole: exit code 1 when records are missing, were dropped or are dead letters. */
export async function showReconciliation(
  { json = false }: { json?: boolean },
  { server, context }: ServerSession,
): Promise<void> {
  const { data } = await server('GET /api/v1/logs/reconcile')
  context.say(json ? JSON.stringify(data, null, 2) : describe(data).join('\n'))
  if (isLossy(data)) context.exit(1)
}

const isLossy = ({ missing, dropped, dead_lettered: letters, unknown_at_most: unknown }: LogCounts) =>
  missing + dropped + letters + unknown > 0

function describe(data: Reconciliation): string[] {
  const stream =
    data.caught_up_at === null ? 'something waits in the log stream' : `stored to its end at ${data.caught_up_at}`
  return [
    `${isLossy(data) ? 'records are missing' : 'nothing is missing'}: ${countsOf(data)}; ${stream}`,
    ...data.edges.flatMap(describeEdge),
  ]
}

function describeEdge(edge: ReconciledEdge): string[] {
  const { gaps, has_more_gaps: hasMore, unknown_at_most: unknown } = edge
  return [
    `  ${edge.edge} ${edge.instance} (${edge.state}, reported ${edge.reported_at}): ${countsOf(edge)}`,
    ...gaps.map(({ source, from, to, reason }) => `    ${source} ${from}-${to}: ${to - from + 1} ${reason}`),
    ...(hasMore ? ['    and more gaps'] : []),
    ...(unknown > 0 ? [`    after the last report: unknown, at most ${unknown}`] : []),
  ]
}

const shown = ['committed', 'sampled_out', 'dead_lettered', 'dropped', 'spooled', 'in_flight', 'missing'] as const

function countsOf(counts: LogCounts): string {
  const parts = shown.filter((name) => name === 'committed' || counts[name] > 0)
  return `${counts.served} served = ${parts.map((name) => `${counts[name]} ${name.replace('_', ' ')}`).join(' + ')}`
}
