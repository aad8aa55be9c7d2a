import type { StatsOverview } from '@gpt-load/contracts/api/stats'
import type { ServerSession } from '../server-commands.ts'

/** What 0.1's `make health` told, from the counts that the server keeps. */
export async function showHealth(
  { json = false }: { json?: boolean },
  { server, context }: ServerSession,
): Promise<void> {
  const { data } = await server('GET /api/v1/stats/overview')
  const problems = problemsOf(data)
  const { keys, edges, groups, revision } = data
  const status = problems.length === 0 ? 'healthy' : 'unhealthy'
  if (json) context.say(JSON.stringify({ status, problems, groups, keys, edges, revision }, null, 2))
  else context.say([`${status}: ${[...problems, countsOf(data)].join('; ')}`, ...data.by_group.map(lineOf)].join('\n'))
  if (problems.length > 0) context.exit(1)
}

/** An installation without a key serves nobody; neither does one without an edge. */
function problemsOf({ keys, edges }: StatsOverview): string[] {
  return [
    ...(edges.reachable === 0 ? ['no edge reports'] : []),
    ...(keys.active + keys.suspect === 0 ? ['no key is usable'] : []),
  ]
}

function countsOf({ keys, edges, revision }: StatsOverview): string {
  return `${keys.active}/${keys.total} keys active, revision ${revision} on ${edges.applied}/${edges.reachable} edges`
}

function lineOf({ name, enabled, key_counts: counts }: StatsOverview['by_group'][number]): string {
  const others = Object.entries(counts).filter(([state, count]) => state !== 'total' && state !== 'active' && count > 0)
  const rest = others.map(([state, count]) => `, ${count} ${state}`).join('')
  return `  ${name}${enabled ? '' : ' (disabled)'}: ${counts.active}/${counts.total} active${rest}`
}
