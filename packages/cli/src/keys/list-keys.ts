import type { Key, ListedKey } from '@gpt-load/contracts/api/key'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { ServerSession } from '../server-commands.ts'
import { findGroup } from './find-group.ts'
import { filterOf, type FilterFlags } from './key-commands.ts'

/** Keys of a group with why they are in their state. Pages that hold none of those that are sought are gone through. */
export type ListFlags = FilterFlags & {
  group: string
  usedSince?: string
  unusedSince?: string
  limit: number
  json?: boolean
}

const maxPage = 500

export async function listKeys(flags: ListFlags, { server, context }: ServerSession): Promise<void> {
  const { id } = await findGroup(server, flags.group)
  const query = {
    ...filterOf(flags),
    used_since: toInstant('--used-since', flags.usedSince),
    unused_since: toInstant('--unused-since', flags.unusedSince),
  }
  let cursor: string | undefined
  for (let left = Math.max(1, flags.limit); left > 0;) {
    const limit = Math.min(left, maxPage)
    const { data } = await server('GET /api/v1/groups/{id}/keys', {
      params: { id },
      query: { ...query, limit, cursor },
    })
    for (const key of data.items) context.say(flags.json === true ? JSON.stringify(key) : lineOf(key))
    if (data.next_cursor === null) return
    cursor = data.next_cursor
    left -= data.items.length
  }
}

function toInstant(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new StartupError(`${option} is no time`, 'give it as 2026-01-31T12:00:00Z')
  return new Date(ms).toISOString()
}

function lineOf(key: ListedKey): string {
  const { id, hint, note, usage } = key
  const lastUse = usage?.last_used_at ?? null
  const used = usage === null ? '' : lastUse === null ? '  not used in 90 days' : `  used ${lastUse}`
  return `${id}  ${hint}  ${stateOf(key)}${used}${note === '' ? '' : `  ${note}`}`
}

/** The state, until when, and why. */
export function stateOf({ state, until, cause }: Pick<Key, 'state' | 'until' | 'cause'>): string {
  const deadline = until === null ? '' : ` until ${until}`
  if (cause === null) return `${state}${deadline}`
  const why = [cause.class, cause.status, cause.code, cause.note].filter((part) => part !== undefined && part !== '')
  return `${state}${deadline} (${why.join(', ')})`
}
