import type { KeyDetail } from '@gpt-load/contracts/api/key'
import type { ServerSession } from '../server-commands.ts'
import { stateOf } from './list-keys.ts'

/** "Why is this key out?" without a search through logs. */
const shownHistory = 10

export async function showKey(
  id: number,
  { json = false }: { json?: boolean },
  { server, context }: ServerSession,
): Promise<void> {
  const { data: key } = await server('GET /api/v1/keys/{id}', { params: { id } })
  context.say(json ? JSON.stringify(key, null, 2) : linesOf(key).join('\n'))
}

function linesOf(key: KeyDetail): string[] {
  const { cause, usage } = key
  return [
    `key ${key.id} ${key.hint} of group ${key.group_id}: ${stateOf(key)}`,
    ...(cause?.request_id === undefined ? [] : [`  request     ${cause.request_id}`]),
    ...(cause?.deadline_source === undefined ? [] : [`  deadline    by ${cause.deadline_source}`]),
    `  next probe  ${key.next_probe_at ?? 'none planned'}`,
    ...(usage === null
      ? ['  use         not known: the request logs do not answer']
      : [
          `  last used   ${usage.last_used_at ?? 'not in 90 days'}`,
          `  24 hours    ${usage.last_day.requests} requests, ${usage.last_day.failures} failed`,
        ]),
    ...key.models.map((model) => `  model       ${model.model}: ${stateOf(model)}`),
    ...key.history
      .slice(0, shownHistory)
      .map((entry) => `  ${entry.at}  ${entry.state_from} -> ${stateOf({ ...entry, state: entry.state_to })}`),
  ]
}
