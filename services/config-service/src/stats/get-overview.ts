import type { Group } from '@gpt-load/contracts/api/group'
import { maxOverviewGroups, type StatsOverview } from '@gpt-load/contracts/api/stats'
import { quoteName } from '@gpt-load/database/bulk-insert'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { loadEdges } from '../edges/list-edges.ts'
import { keyCountsOf } from '../groups/load-groups.ts'
import { toInstant } from '../instant.ts'
import type { Services } from '../services.ts'
import type { VerbAnswer, VerbContext } from '../verb.ts'

/** Each part is a sum of few rows that others keep up to date: no key and no request is looked at. */
export async function getOverview({ ctx }: { ctx: VerbContext }): Promise<VerbAnswer<StatsOverview>> {
  authorise(ctx, 'getOverview')
  const { store } = ctx
  const nowMs = ctx.clock.nowMs()
  const [groups, keys, byGroup, accessKeys, lastHour, lastDay, edges] = await Promise.all([
    countRows(store.sql, 'groups'),
    countKeys(store.sql),
    listByGroup(store.database),
    countRows(store.sql, 'access_keys'),
    requestTotals(ctx, { spanS: 60, buckets: 60, nowMs }),
    requestTotals(ctx, { spanS: 3_600, buckets: 24, nowMs }),
    loadEdges(ctx),
  ])
  return {
    value: {
      groups,
      keys,
      by_group: byGroup,
      access_keys: accessKeys,
      requests: { last_hour: lastHour, last_day: lastDay },
      edges: { reachable: edges.reachable, applied: edges.applied },
      revision: edges.revision,
      server_time: toInstant(nowMs),
    },
  }
}

async function countRows(sql: SqlRunner, table: 'groups' | 'access_keys'): Promise<{ total: number; enabled: number }> {
  const [row] = await sql.query<{ total: number; enabled: number | null }>(
    `SELECT COUNT(*) AS total, SUM(CASE WHEN enabled THEN 1 ELSE 0 END) AS enabled FROM ${quoteName(sql, table)}`,
  )
  return { total: row?.total ?? 0, enabled: Number(row?.enabled ?? 0) }
}

/** Keys of deleted groups, which wait for their removal, are no keys any more. */
async function countKeys(sql: SqlRunner): Promise<Group['key_counts']> {
  const count = quoteName(sql, 'count')
  const rows = await sql.query<{ state: string; count: number }>(
    `SELECT c.state, SUM(c.${count}) AS ${count} FROM group_key_counts c
     JOIN ${quoteName(sql, 'groups')} g ON g.id = c.group_id GROUP BY c.state`,
  )
  return keyCountsOf(rows.map(({ state, count: sum }) => ({ state, count: Number(sum) })))
}

async function listByGroup(database: Services['store']['database']): Promise<StatsOverview['by_group']> {
  const rows = await database.group.findMany({
    select: { id: true, name: true, display_name: true, kind: true, enabled: true, counts: true },
    orderBy: [{ sort: 'asc' }, { id: 'desc' }],
    take: maxOverviewGroups,
  })
  return rows.map(({ counts, kind, ...group }) => ({
    ...group,
    kind: kind as Group['kind'],
    key_counts: keyCountsOf(counts),
  }))
}

type Window = { spanS: 60 | 3_600; buckets: number; nowMs: number }

async function requestTotals({ logReader }: Pick<Services, 'logReader'>, { spanS, buckets, nowMs }: Window) {
  const fromS = Math.floor(nowMs / (spanS * 1_000)) * spanS - (buckets - 1) * spanS
  return { from: toInstant(fromS * 1_000), ...(await logReader.totals({ spanS, fromS })) }
}
