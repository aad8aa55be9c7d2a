import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { maxKeysBodyBytes } from '@gpt-load/contracts/api/key'
import { keyStates } from '@gpt-load/contracts/key-state'
import { gptLoadPageSchema } from '@gpt-load/contracts/gpt-load-api/envelope'
import {
  gptLoadKeysAddedSchema,
  gptLoadKeySchema,
  gptLoadKeysDeletedSchema,
  gptLoadKeySelectionSchema,
  gptLoadKeysInputSchema,
  gptLoadKeysRestoredSchema,
  gptLoadKeysTestedSchema,
  gptLoadKeyStatuses,
  gptLoadNotesInputSchema,
  statesOfGptLoadStatus,
  type GptLoadKeyStatus,
} from '@gpt-load/contracts/gpt-load-api/key'
import { ApiProblem } from '../http/api-problem.ts'
import { deleteKeys, restoreKeys } from '../keys/change-keys.ts'
import { findKeyIds } from '../keys/find-key-ids.ts'
import { exportKeyTexts } from '../keys/export-keys.ts'
import { loadSettings } from '../settings/list-settings.ts'
import { callVerb, route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'
import { keyStatsOf } from './group-answer.ts'
import { pathId } from './group-routes.ts'
import { findKeyPage, findKeyRow, toGptLoadKeys } from './key-page.ts'
import { groupOf, idsOf, ignoredAndTotal, selectKeys } from './key-selection.ts'
import { pageRequestOf, toPage } from './paging.ts'
import { testKeys } from './test-keys.ts'

/** Keys of a group, up to 5,000 at once; more are the tasks' matter. */
export const keyRoutes: readonly GptLoadRoute[] = [
  route({
    method: 'get',
    path: '/api/keys',
    scope: 'read',
    answer: gptLoadPageSchema(gptLoadKeySchema),
    handle: listKeys,
  }),
  route({
    method: 'get',
    path: '/api/keys/export',
    scope: 'secrets:read',
    answer: null,
    handle: sendKeysFile,
  }),
  route({
    method: 'post',
    path: '/api/keys/add-multiple',
    scope: 'write',
    body: gptLoadKeysInputSchema,
    maxBodyBytes: maxKeysBodyBytes,
    answer: gptLoadKeysAddedSchema,
    async handle(call) {
      const { group_id: id, keys_text: text } = call.body
      const { value } = await callVerb(call, 'addKeys', { params: { id }, body: { text } })
      const { added, duplicate, malformed, total } = value
      return { added_count: added, ignored_count: duplicate + malformed, total_in_group: total }
    },
  }),
  route({
    method: 'post',
    path: '/api/keys/delete-multiple',
    scope: 'write',
    body: gptLoadKeySelectionSchema,
    maxBodyBytes: maxKeysBodyBytes,
    answer: gptLoadKeysDeletedSchema,
    async handle(call) {
      const { id } = await groupOf(call, call.body.group_id)
      const keys = await selectKeys(call)
      const { changed, revision } = await deleteKeys(call.ctx, id, idsOf(keys))
      call.noteCommit(revision)
      return { deleted_count: changed, ...(await ignoredAndTotal(call, { named: keys.length, done: changed })) }
    },
  }),
  route({
    method: 'post',
    path: '/api/keys/restore-multiple',
    scope: 'write',
    body: gptLoadKeySelectionSchema,
    maxBodyBytes: maxKeysBodyBytes,
    answer: gptLoadKeysRestoredSchema,
    async handle(call) {
      const { id } = await groupOf(call, call.body.group_id)
      const keys = await selectKeys(call)
      const { changed, revision } = await restoreKeys(call.ctx, id, idsOf(keys), ['invalid'])
      call.noteCommit(revision)
      return { restored_count: changed, ...(await ignoredAndTotal(call, { named: keys.length, done: changed })) }
    },
  }),
  route({
    method: 'post',
    path: '/api/keys/test-multiple',
    scope: 'write',
    body: gptLoadKeySelectionSchema,
    maxBodyBytes: maxKeysBodyBytes,
    answer: gptLoadKeysTestedSchema,
    async handle(call) {
      const group = await groupOf(call, call.body.group_id)
      const keys = await selectKeys(call)
      const startedMs = call.ctx.clock.monotonicMs()
      const results = await testKeys(call, keys, await concurrencyOf(call, group.settings))
      return { results, total_duration: Math.round(call.ctx.clock.monotonicMs() - startedMs) }
    },
  }),
  route({
    method: 'put',
    path: '/api/keys/:id/notes',
    scope: 'write',
    body: gptLoadNotesInputSchema,
    answer: null,
    async handle(call) {
      const params = { id: pathId(call.params['id']) }
      const body = { note: call.body.notes }
      await callVerb(call, 'updateKey', { params, body, precondition: call.precondition })
    },
  }),
]

async function listKeys(call: RouteCall<unknown>) {
  const { ctx, query } = call
  const group = await groupOf(call, queryGroupId(call))
  const status = queryStatus(call, gptLoadKeyStatuses)
  const states = status === null ? keyStates : statesOfGptLoadStatus[status]
  const page = pageRequestOf(query)
  const value = query['key_value']?.trim() ?? ''
  if (value !== '') {
    const id = (await findKeyIds(ctx, group.id, [value])).get(value)
    const found = id === undefined ? [] : await findKeyRow(ctx.store.sql, id)
    const rows = found.filter(({ state }) => (states as readonly string[]).includes(state))
    const shown = page.offset === 0 ? rows : []
    return toPage(await toGptLoadKeys(ctx, group.id, shown), page, rows.length)
  }
  const stats = keyStatsOf(group.key_counts)
  const totals = { active: stats.active_keys, invalid: stats.invalid_keys }
  const total = status === null ? stats.total_keys : totals[status]
  // Past the end nothing is looked for: an offset of millions would be read to its end.
  const rows = page.offset >= total ? [] : await findKeyPage(ctx.store.sql, group.id, states, page)
  return toPage(await toGptLoadKeys(ctx, group.id, rows), page, total)
}

const exportStatuses = ['all', ...gptLoadKeyStatuses] as const

async function sendKeysFile(call: RouteCall<unknown>): Promise<void> {
  const group = await groupOf(call, queryGroupId(call))
  const status = queryStatus(call, exportStatuses) ?? 'all'
  const states = status === 'all' ? keyStates : statesOfGptLoadStatus[status]
  const { response } = call
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.setHeader('content-disposition', `attachment; filename=keys-${group.name}-${status}.txt`)
  const keys = exportKeyTexts(call.ctx, { params: { id: group.id }, query: { state: [...states] } })
  await pipeline(Readable.from(linesOf(keys)), response)
}

async function* linesOf(chunks: AsyncIterable<readonly string[]>): AsyncGenerator<string> {
  for await (const keys of chunks) yield keys.map((key) => `${key}\n`).join('')
}

function queryGroupId({ query }: RouteCall<unknown>): number {
  const text = query['group_id']
  if (text !== undefined && /^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw new ApiProblem('bad_request', 'group_id is missing or no positive integer.')
}

/** null = the query names none. */
function queryStatus<S extends GptLoadKeyStatus | 'all'>({ query }: RouteCall<unknown>, known: readonly S[]): S | null {
  const text = query['status']
  if (text === undefined || text === '') return null
  const status = known.find((name) => name === text)
  if (status === undefined) throw new ApiProblem('bad_request', `status takes ${known.join(' or ')}.`)
  return status
}

async function concurrencyOf({ ctx }: RouteCall<unknown>, overrides: Record<string, unknown>): Promise<number> {
  const name = 'key_validation_concurrency'
  const { items } = await loadSettings(ctx)
  return Number(overrides[name] ?? items.find((item) => item.name === name)?.value)
}
