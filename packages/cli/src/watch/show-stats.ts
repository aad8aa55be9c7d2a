import type { StatsPoint } from '@gpt-load/contracts/api/stats'
import { findGroup } from '../keys/find-group.ts'
import type { ServerSession } from '../server-commands.ts'

/** Sums over the last hours; hour by hour as JSON. */
export type StatsFlags = { group?: string; hours: number; json?: boolean }

const maxHours = 2_160
const hourMs = 3_600_000

export async function showStats(
  { group, hours, json = false }: StatsFlags,
  { server, context }: ServerSession,
): Promise<void> {
  const group_id = group === undefined ? undefined : (await findGroup(server, group)).id
  const shownHours = Math.min(maxHours, Math.max(1, hours))
  const from = new Date(Date.now() - (shownHours - 1) * hourMs).toISOString()
  const { data } = await server('GET /api/v1/stats/series', { query: { step: 'hour', from, group_id } })
  if (json) return context.say(JSON.stringify(data, null, 2))
  const sum = (valueOf: (point: StatsPoint) => number): number =>
    data.points.reduce((total, point) => total + valueOf(point), 0)
  const requests = sum((point) => point.requests)
  const failures = sum((point) => point.failures)
  const share = requests === 0 ? '' : ` (${((failures / requests) * 100).toFixed(1)} %)`
  context.say(
    [
      `since ${data.from}${group === undefined ? '' : `, group ${group}`}`,
      `  requests  ${requests}, ${failures} failed${share}`,
      `  retries   ${sum((point) => point.retries)}, ${sum((point) => point.rescued)} requests succeeded by one`,
      `  tokens    ${sum(({ tokens }) => tokens.input)} in, ${sum(({ tokens }) => tokens.output)} out`,
    ].join('\n'),
  )
}
