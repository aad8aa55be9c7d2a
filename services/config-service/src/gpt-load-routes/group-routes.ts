import { maxPageItems } from '@gpt-load/contracts/api/page'
import type { Group } from '@gpt-load/contracts/api/group'
import {
  gptLoadConfigOptionSchema,
  gptLoadCopyInputSchema,
  gptLoadCopyModes,
  gptLoadCopySchema,
  gptLoadGroupInputSchema,
  gptLoadGroupNameSchema,
  gptLoadGroupSchema,
  gptLoadGroupStatsSchema,
  gptLoadOrderInputSchema,
} from '@gpt-load/contracts/gpt-load-api/group'
import { groupSettingNames, settingsRegistry } from '@gpt-load/contracts/settings'
import { ApiProblem, wrongField } from '../http/api-problem.ts'
import { loadSettings } from '../settings/list-settings.ts'
import { callVerb, route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'
import { keyStatsOf, toGptLoadGroups, toOneGptLoadGroup } from './group-answer.ts'
import { toGroupCreate, toGroupPatch } from './group-input.ts'
import { accessKeysOfScope, applyProxyKeys, planProxyKeys } from './proxy-keys.ts'
import { settingTitle } from './setting-title.ts'
import { requestTotals } from './request-totals.ts'

/** Groups. Writing `proxy_keys` follows the group's own change: tokens are checked before, so only a crash separates them. */
export const groupRoutes: readonly GptLoadRoute[] = [
  route({
    method: 'post',
    path: '/api/groups',
    scope: 'write',
    body: gptLoadGroupInputSchema,
    answer: gptLoadGroupSchema,
    async handle(call) {
      const plan = planProxyKeys(call.body.proxy_keys ?? '', [])
      const { value: group } = await callVerb(call, 'createGroup', { body: toGroupCreate(call.body) })
      await applyProxyKeys(call, { kind: 'group', id: group.id, name: group.name }, plan)
      return toOneGptLoadGroup(call, group)
    },
  }),
  route({
    method: 'get',
    path: '/api/groups',
    scope: 'read',
    answer: gptLoadGroupSchema.array(),
    handle: async (call) => toGptLoadGroups(call, await allGroups(call)),
  }),
  route({
    method: 'get',
    path: '/api/groups/list',
    scope: 'read',
    answer: gptLoadGroupNameSchema.array(),
    async handle(call) {
      const groups = await allGroups(call)
      return groups.map(({ id, name, display_name }) => ({ id, name, display_name }))
    },
  }),
  route({
    method: 'get',
    path: '/api/groups/config-options',
    scope: 'read',
    answer: gptLoadConfigOptionSchema.array(),
    async handle({ ctx }) {
      const { items } = await loadSettings(ctx)
      const known: readonly string[] = groupSettingNames.filter((name) => settingsRegistry[name].gptLoad)
      return items
        .filter(({ name }) => known.includes(name))
        .map(({ name, description, value }) => ({
          key: name,
          name: settingTitle(name),
          description,
          default_value: value,
        }))
    },
  }),
  route({
    method: 'put',
    path: '/api/groups/reorder',
    scope: 'write',
    body: gptLoadOrderInputSchema,
    answer: null,
    handle: async (call) => void (await callVerb(call, 'orderGroups', { body: call.body.items })),
  }),
  route({
    method: 'get',
    path: '/api/groups/:id',
    scope: 'read',
    answer: gptLoadGroupSchema,
    handle: async (call) => toOneGptLoadGroup(call, await oneGroup(call)),
  }),
  route({
    method: 'put',
    path: '/api/groups/:id',
    scope: 'write',
    body: gptLoadGroupInputSchema,
    answer: gptLoadGroupSchema,
    handle: updateGroup,
  }),
  route({
    method: 'delete',
    path: '/api/groups/:id',
    scope: 'write',
    answer: null,
    async handle(call) {
      const { precondition } = call
      await callVerb(call, 'deleteGroup', { params: groupIdOf(call), precondition })
    },
  }),
  route({
    method: 'get',
    path: '/api/groups/:id/stats',
    scope: 'read',
    answer: gptLoadGroupStatsSchema,
    async handle(call) {
      const group = await oneGroup(call)
      const totals = (hours: number) => requestTotals(call.ctx, { hours, groupId: group.id })
      const [day, week, month] = await Promise.all([totals(24), totals(7 * 24), totals(30 * 24)])
      return {
        key_stats: keyStatsOf(group.key_counts),
        stats_24_hour: toStats(day),
        stats_7_day: toStats(week),
        stats_30_day: toStats(month),
      }
    },
  }),
  route({
    method: 'post',
    path: '/api/groups/:id/copy',
    scope: 'write',
    body: gptLoadCopyInputSchema.optional(),
    answer: gptLoadCopySchema,
    handle: copyGroup,
  }),
]

async function updateGroup(call: RouteCall<ReturnType<typeof gptLoadGroupInputSchema.parse>>) {
  const { id, name, kind } = await oneGroup(call)
  const { proxy_keys: proxyKeys } = call.body
  const scope = { kind: 'group', id, name } as const
  // null is "as it is", as for every field; '' shuts all of them out.
  const plan = typeof proxyKeys === 'string' ? planProxyKeys(proxyKeys, await accessKeysOfScope(call.ctx, scope)) : null
  const { precondition } = call
  const body = toGroupPatch(call.body, kind)
  const { value: group } = await callVerb(call, 'updateGroup', { params: { id }, body, precondition })
  if (plan !== null) await applyProxyKeys(call, { ...scope, name: group.name }, plan)
  return toOneGptLoadGroup(call, group)
}

/** Names that a copy may try: `g_copy`, `g_copy_2`, … */
const maxCopyNames = 100

async function copyGroup(call: RouteCall<ReturnType<typeof gptLoadCopyInputSchema.parse> | undefined>) {
  const wanted = call.body?.copy_keys ?? 'all'
  const mode = Object.entries(gptLoadCopyModes).find(([name]) => name === wanted)
  if (mode === undefined) throw wrongField('/copy_keys', `takes ${Object.keys(gptLoadCopyModes).join(', ')}`)
  const [, keys] = mode
  const source = await oneGroup(call)
  const copy = await copyUnderFreeName(call, source, keys)
  if (source.display_name === '') return { group: await toOneGptLoadGroup(call, copy) }
  const body = { display_name: `${source.display_name} Copy`.slice(0, 255) }
  const { value } = await callVerb(call, 'updateGroup', { params: { id: copy.id }, body })
  return { group: await toOneGptLoadGroup(call, value) }
}

async function copyUnderFreeName(call: RouteCall<unknown>, source: Group, keys: string): Promise<Group> {
  for (let number = 1; number <= maxCopyNames; number += 1) {
    const suffix = number === 1 ? '_copy' : `_copy_${number}`
    const name = `${source.name.slice(0, 100 - suffix.length)}${suffix}`
    try {
      const { value } = await callVerb(call, 'copyGroup', { params: { id: source.id }, body: { name, keys } })
      return value
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== 'duplicate') throw error
    }
  }
  throw new ApiProblem('duplicate', `There are ${maxCopyNames} copies of this group. Rename some.`)
}

/** In their order. */
export async function allGroups(call: RouteCall<unknown>): Promise<Group[]> {
  const groups: Group[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query = { limit: maxPageItems, ...(cursor === undefined ? {} : { cursor }) }
    const { value } = await callVerb(call, 'listGroups', { query })
    groups.push(...value.items)
    cursor = value.next_cursor
  }
  return groups
}

export function groupIdOf({ params }: RouteCall<unknown>): { id: number } {
  return { id: pathId(params['id']) }
}

/** A malformed id is BAD_REQUEST in GPT-Load, not a rule that is broken. */
export function pathId(text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new ApiProblem('bad_request', 'The id in the path is no positive integer.')
}

export async function oneGroup(call: RouteCall<unknown>): Promise<Group> {
  const { value } = await callVerb(call, 'getGroup', { params: groupIdOf(call) })
  return value
}

function toStats({ requests, failures }: { requests: number; failures: number }) {
  const rate = requests === 0 ? 0 : Math.round((failures / requests) * 10_000) / 10_000
  return { total_requests: requests, failed_requests: failures, failure_rate: rate }
}
