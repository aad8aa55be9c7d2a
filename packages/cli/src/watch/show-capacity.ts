import type { Capacity } from '@gpt-load/contracts/api/capacity'
import { findGroup } from '../keys/find-group.ts'
import type { ServerSession } from '../server-commands.ts'

/** How long the keys of a group, or of all, last at the present burn. */
export async function showCapacity(
  name: string | undefined,
  { json = false }: { json?: boolean },
  { server, context }: ServerSession,
): Promise<void> {
  const items =
    name === undefined
      ? (await server('GET /api/v1/capacity')).data.items
      : [
          (await server('GET /api/v1/groups/{id}/capacity', { params: { id: (await findGroup(server, name)).id } }))
            .data,
        ]
  if (json) return context.say(JSON.stringify(items, null, 2))
  context.say(items.length === 0 ? 'there is no group with keys' : items.map(describe).join('\n'))
}

function describe(capacity: Capacity): string {
  const { group, usable_keys: usable, total_keys: total } = capacity
  return `${group}: ${usable}/${total} keys usable; ${[burnOf(capacity), forecastOf(capacity)].filter(Boolean).join('; ')}`
}

function burnOf(capacity: Capacity): string {
  if (capacity.requests_per_minute === null) return 'no edge has told of it'
  const kinds = [
    [capacity.requests_per_minute, capacity.requests_headroom_per_minute, 'requests'],
    [capacity.tokens_per_minute ?? 0, capacity.tokens_headroom_per_minute, 'tokens'],
  ] as const
  return kinds
    .map(([burn, room, kind]) => `${burn} ${kind}/min${room === null ? '' : ` (${room} more are possible)`}`)
    .join(', ')
}

function forecastOf(capacity: Capacity): string {
  const { limited_by: limitedBy, runs_dry_at: dryAt, relief_at: reliefAt, keys_needed: needed } = capacity
  if (dryAt === null) return capacity.known_keys === 0 ? 'no limit is learnt' : 'does not run dry'
  const what = limitedBy === 'keys' ? 'no key is usable' : `runs dry at ${dryAt} (${limitedBy})`
  return `${what}, relief ${reliefAt === null ? 'not in sight' : `at ${reliefAt}`}, ${needed} more keys needed`
}
