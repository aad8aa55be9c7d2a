import type { Key } from '@gpt-load/contracts/api/key'
import type { KeyState } from '@gpt-load/contracts/key-state'
import type { ServerSession } from '../server-commands.ts'
import { findGroup } from './find-group.ts'

export type ListFlags = {
  group: string
  state?: KeyState[]
  search?: string
  limit: number
  cursor?: string
  json?: boolean
}

/** A page of keys, one a line and tab-separated, so that other tools cut it. What follows is told on stderr. */
export async function listKeys(flags: ListFlags, { server, context }: ServerSession): Promise<void> {
  const { id } = await findGroup(server, flags.group)
  const { state, search, limit, cursor } = flags
  const { data } = await server('GET /api/v1/groups/{id}/keys', {
    params: { id },
    query: { state, search, limit, cursor },
  })
  if (flags.json === true) return context.say(JSON.stringify(data, null, 2))
  for (const key of data.items) context.say(lineOf(key))
  if (data.next_cursor !== null) context.warn(`there are more: --cursor ${data.next_cursor}`)
}

function lineOf({ id, hint, state, until, failures, cause, note }: Key): string {
  const deadline = until === null ? '' : `until ${until}`
  const why = cause === null ? '' : [cause.class, cause.status, cause.code].filter(Boolean).join(' ')
  return [id, hint, state, deadline, `${failures} failures`, why, note.replaceAll(/\s+/g, ' ')].join('\t')
}
