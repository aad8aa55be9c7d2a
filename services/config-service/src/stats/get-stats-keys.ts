import { maxKeyRangeMs } from '@gpt-load/contracts/report-bounds'
import type { StatsKeys } from '@gpt-load/contracts/api/stats-report'
import { placeholders } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { wrongField } from '../http/api-problem.ts'
import { toInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { instantsOf, rangeOf } from './stats-range.ts'

export async function getStatsKeys({
  ctx,
  input: { query },
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getStatsKeys'>, 'query'>
}): Promise<VerbAnswer<StatsKeys>> {
  authorise(ctx, 'getStatsKeys')
  const range = rangeOf({ ...query, step: 'hour' }, ctx.clock.nowMs())
  // Whole hours: one that was begun is not held against the caller.
  if ((range.toS - range.fromS - 2 * range.spanS) * 1_000 > maxKeyRangeMs)
    throw wrongField('/from', 'the range may hold 7 days')
  const { group_id: groupId, order, top: limit } = query
  const keys = await ctx.logReader.stats.keys({
    ...range,
    ...(groupId === undefined ? {} : { groupId }),
    order,
    limit,
  })
  const hints = await hintsOf(
    ctx,
    keys.map(({ key_id: id }) => id),
  )
  const { from, to } = instantsOf(range)
  const items = keys.map((key) => ({
    ...key,
    hint: hints.get(key.key_id) ?? null,
    last_used_at: toInstant(key.last_used_at),
  }))
  return { value: { from, to, items } }
}

async function hintsOf({ store }: VerbContext, ids: readonly number[]): Promise<Map<number, string>> {
  if (ids.length === 0) return new Map()
  const rows = await store.sql.query<{ id: number; hint: string }>(
    `SELECT id, hint FROM provider_keys WHERE id IN (${placeholders(ids.length)})`,
    ids,
  )
  return new Map(rows.map(({ id, hint }) => [id, hint]))
}
