import { maxKeysBodyBytes } from '@gpt-load/contracts/api/key'
import type { KeyFilter } from '@gpt-load/contracts/api/key'
import type { Task } from '@gpt-load/contracts/api/task'
import { isTaskOver } from '@gpt-load/contracts/task-state'
import { gptLoadKeysInputSchema, gptLoadKeyStatuses, statesOfGptLoadStatus } from '@gpt-load/contracts/gpt-load-api/key'
import {
  gptLoadCountSchema,
  gptLoadGroupIdInputSchema,
  gptLoadTaskSchema,
  gptLoadTaskStatusSchema,
  gptLoadValidateInputSchema,
  maxGptLoadTextBytes,
  maxShownTasks,
  type GptLoadTask,
} from '@gpt-load/contracts/gpt-load-api/task'
import { wrongField } from '../http/api-problem.ts'
import { parseKeysText } from '@gpt-load/contracts/parse-keys-text'
import { awaitTask } from '../tasks/await-task.ts'
import { callVerb, route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'
import { keyStatsOf } from './group-answer.ts'
import { groupOf } from './key-selection.ts'
import type { MessageId } from './messages.ts'
import { openKeysForm } from './read-keys-form.ts'
import { idleTask, toGptLoadTasks } from './task-answer.ts'

/**
 * What works on many keys. GPT-Load runs one task and answers 409 to the second; ours wait for their turn. What it does while the
 * caller waits is a task here, too, and the caller waits for its end: scripts add keys in the next line.
 */
const clearWaitMs = 25_000
/** How long a task that has ended is shown. */
const shownMs = 3_600_000
const keysPerPiece = 1_000

type KeysBody = ReturnType<typeof gptLoadKeysInputSchema.parse>

export const taskRoutes: readonly GptLoadRoute[] = [
  route({
    method: 'post',
    path: '/api/keys/add-async',
    scope: 'write',
    body: gptLoadKeysInputSchema,
    maxBodyBytes: maxGptLoadTextBytes,
    takesForm: true,
    answer: gptLoadTaskSchema,
    handle: addKeys,
  }),
  route({
    method: 'post',
    path: '/api/keys/delete-async',
    scope: 'write',
    body: gptLoadKeysInputSchema,
    maxBodyBytes: maxGptLoadTextBytes,
    answer: gptLoadTaskSchema,
    async handle(call) {
      const upload = { type: 'application/x-ndjson', bytes: listedKeys(call.body) }
      const { value } = await callVerb(call, 'deleteListedKeys', { params: groupIdOf(call), upload })
      return toOneTask(call, value)
    },
  }),
  route({
    method: 'post',
    path: '/api/keys/validate-group',
    scope: 'write',
    body: gptLoadValidateInputSchema,
    answer: gptLoadTaskSchema,
    handle: validateGroup,
  }),
  clearRoute('restore-all-invalid', 'restoreKeys', { filter: { state: ['invalid'] }, message: 'KEYS_RESTORED_COUNT' }),
  clearRoute('clear-all-invalid', 'deleteKeys', { filter: { state: ['invalid'] }, message: 'KEYS_DELETED_COUNT' }),
  clearRoute('clear-all', 'deleteKeys', { filter: {}, message: 'KEYS_DELETED_COUNT' }),
  route({
    method: 'get',
    path: '/api/tasks/status',
    scope: 'read',
    answer: gptLoadTaskStatusSchema,
    handle: showStatus,
  }),
]

async function addKeys(call: RouteCall<KeysBody | undefined>): Promise<GptLoadTask> {
  if (call.body !== undefined) {
    const upload = { type: 'application/x-ndjson', bytes: listedKeys(call.body) }
    const { value } = await callVerb(call, 'importKeys', { params: { id: call.body.group_id }, upload })
    return toOneTask(call, value)
  }
  const { groupId, bytes } = await openKeysForm(call.request)
  const { value } = await callVerb(call, 'importKeys', {
    params: { id: groupId },
    upload: { type: 'text/plain', bytes },
  })
  return toOneTask(call, value)
}

/** GPT-Load's parser reads the text as a whole; what it found goes on as one key per line. */
function listedKeys({ keys_text: text }: KeysBody): AsyncIterable<Uint8Array> {
  const keys = parseKeysText(text)
  if (keys.length === 0) throw wrongField('/text', 'names no key')
  return (async function* () {
    for (let start = 0; start < keys.length; start += keysPerPiece)
      yield Buffer.from(
        keys
          .slice(start, start + keysPerPiece)
          .map(({ key }) => `${JSON.stringify(key)}\n`)
          .join(''),
      )
  })()
}

async function validateGroup(call: RouteCall<ReturnType<typeof gptLoadValidateInputSchema.parse>>) {
  const { group_id: id, status } = call.body
  const known = gptLoadKeyStatuses.find((one) => one === status)
  if (known === undefined && status !== undefined && status !== null && status !== '')
    throw wrongField('/status', `takes ${gptLoadKeyStatuses.join(' or ')}`)
  const stats = keyStatsOf((await groupOf(call, id)).key_counts)
  const count = known === undefined ? stats.total_keys : stats[`${known}_keys`]
  if (count === 0) throw wrongField('/group_id', 'has no such keys')
  const filter: KeyFilter = known === undefined ? {} : { state: [...statesOfGptLoadStatus[known]] }
  const { value } = await callVerb(call, 'validateKeys', { params: { id }, body: { filter } })
  return toOneTask(call, value)
}

function clearRoute(
  name: string,
  operation: 'deleteKeys' | 'restoreKeys',
  { filter, message }: { filter: KeyFilter; message: MessageId },
): GptLoadRoute {
  return route({
    method: 'post',
    path: `/api/keys/${name}`,
    scope: 'write',
    body: gptLoadGroupIdInputSchema,
    maxBodyBytes: maxKeysBodyBytes,
    answer: gptLoadCountSchema,
    async handle(call) {
      const { value } = await callVerb(call, operation, { params: groupIdOf(call), body: { filter } })
      const task = await awaitTask(call.ctx, value.id, { timeoutMs: clearWaitMs })
      call.noteCommit(task.revision)
      const count = task.succeeded
      const text = call.texts[message].replace('{count}', String(count))
      call.say(isTaskOver(task) ? text : `${text}; ${call.texts.GOES_ON.replace('{task}', String(task.id))}`)
      return { count }
    },
  })
}

async function showStatus(call: RouteCall<unknown>) {
  const unfinished = ['receiving', 'queued', 'running'].join(',')
  const { value: open } = await callVerb(call, 'listTasks', { query: { state: unfinished, limit: maxShownTasks } })
  const tasks = await toGptLoadTasks(call, open.items)
  return { ...(tasks[0] ?? (await newestEnded(call))), tasks }
}

async function newestEnded(call: RouteCall<unknown>): Promise<GptLoadTask> {
  const { value } = await callVerb(call, 'listTasks', { query: { state: 'succeeded,failed,cancelled', limit: 1 } })
  const sinceMs = call.ctx.clock.nowMs() - shownMs
  const recent = value.items.filter(({ finished_at: at }) => at !== null && Date.parse(at) >= sinceMs)
  return (await toGptLoadTasks(call, recent))[0] ?? idleTask
}

async function toOneTask(call: RouteCall<unknown>, task: Task): Promise<GptLoadTask> {
  const [shown] = await toGptLoadTasks(call, [task])
  return shown!
}

function groupIdOf({ body }: RouteCall<{ group_id: number }>): { id: number } {
  return { id: body.group_id }
}
