import { availableParallelism } from 'node:os'
import type { Group } from '@gpt-load/contracts/api/group'
import type { KeyState } from '@gpt-load/contracts/key-state'
import {
  gptLoadBlacklistSchema,
  gptLoadResetSchema,
  gptLoadStatsSchema,
  maxBlacklistedKeys,
} from '@gpt-load/contracts/gpt-load-api/status'
import { statesOfGptLoadStatus } from '@gpt-load/contracts/gpt-load-api/key'
import { notFound } from '../http/api-problem.ts'
import { toInstant, toOptionalInstant } from '../instant.ts'
import { restoreKeys } from '../keys/change-keys.ts'
import { toCause } from '../keys/key-answer.ts'
import { route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'
import { keyStatsOf } from './group-answer.ts'
import { allGroups } from './group-routes.ts'
import { findKeyPage, reasonOf } from './key-page.ts'
import { requestTotals } from './request-totals.ts'

/**
 * The status routes of GPT-Load 0.1, which had one pool: they mean the group `default`, or that of `?group=`. 0.1 asked for no
 * key; these do. What changes something by GET takes no key from the URL and no cookie: a link could send both.
 */
const defaultGroup = 'default'
const bytesPerMb = 1_048_576
/** A person's `disabled` is not lifted by a reset. */
const resetStates: readonly KeyState[] = ['suspect', 'cooling', 'exhausted', 'invalid']
const resetChunk = 5_000

export const statusRoutes: readonly GptLoadRoute[] = [
  route({ method: 'get', path: '/stats', scope: 'read', answer: gptLoadStatsSchema, isBare: true, handle: showStats }),
  route({
    method: 'get',
    path: '/blacklist',
    scope: 'read',
    answer: gptLoadBlacklistSchema,
    isBare: true,
    handle: showBlacklist,
  }),
  ...(['get', 'post'] as const).map((method) =>
    route({
      method,
      path: '/reset-keys',
      scope: 'write',
      answer: gptLoadResetSchema,
      isBare: true,
      isHeaderKeyOnly: method === 'get',
      handle: resetKeys,
    }),
  ),
]

async function showStats(call: RouteCall<unknown>) {
  const groups = await allGroups(call)
  const group = groupOfQuery(call, groups)
  const { requests, failures } = await requestTotals(call.ctx, { hours: 24, groupId: group.id })
  const { heapUsed, heapTotal, rss } = process.memoryUsage()
  return {
    keys: toPool(group),
    requests: { success_count: requests - failures, failure_count: failures, total_count: requests },
    memory: { alloc_mb: toMb(heapUsed), total_alloc_mb: toMb(heapTotal), sys_mb: toMb(rss) },
    system: { cpu_count: availableParallelism(), node_version: process.version },
    groups: groups.map((one) => ({ name: one.name, keys: toPool(one) })),
    timestamp: now(call),
  }
}

async function showBlacklist(call: RouteCall<unknown>) {
  const group = groupOfQuery(call, await allGroups(call))
  const first = { page: 1, pageSize: maxBlacklistedKeys, offset: 0 }
  const rows = await findKeyPage(call.ctx.store.sql, group.id, statesOfGptLoadStatus.invalid, first)
  return {
    blacklisted_keys: rows.map(({ hint, cause, failures, until }) => ({
      preview: hint,
      reason: reasonOf(cause),
      blacklistAt: toCause(cause)?.at ?? null,
      failCount: failures,
      until: toOptionalInstant(until),
    })),
    count: keyStatsOf(group.key_counts).invalid_keys,
    timestamp: now(call),
  }
}

async function resetKeys(call: RouteCall<unknown>) {
  const { id } = groupOfQuery(call, await allGroups(call))
  for (let after = 0; ;) {
    const ids = await idsToReset(call, id, after)
    if (ids.length === 0) break
    call.noteCommit((await restoreKeys(call.ctx, id, ids, resetStates)).revision)
    after = ids.at(-1)!
  }
  const pool = toPool(groupOfQuery(call, await allGroups(call)))
  return {
    message: call.texts.KEYS_RESTORED,
    total_keys: pool.total,
    healthy_keys: pool.healthy,
    timestamp: now(call),
  }
}

async function idsToReset({ ctx }: RouteCall<unknown>, groupId: number, after: number): Promise<number[]> {
  const rows = await ctx.store.sql.query<{ id: number }>(
    `SELECT id FROM provider_keys WHERE group_id = ? AND state IN (${resetStates.map(() => '?').join(', ')}) AND id > ?
     ORDER BY id LIMIT ${resetChunk}`,
    [groupId, ...resetStates, after],
  )
  return rows.map(({ id }) => id)
}

function groupOfQuery({ query }: RouteCall<unknown>, groups: readonly Group[]): Group {
  const name = query['group'] ?? defaultGroup
  const group = groups.find((one) => one.name === name)
  if (group === undefined) throw notFound('group')
  return group
}

function toPool(group: Group) {
  const { total_keys: total, active_keys: healthy, invalid_keys: blacklisted } = keyStatsOf(group.key_counts)
  return { total, healthy, blacklisted }
}

function toMb(bytes: number): number {
  return Math.round((bytes / bytesPerMb) * 100) / 100
}

function now({ ctx }: RouteCall<unknown>): string {
  return toInstant(ctx.clock.nowMs())
}
