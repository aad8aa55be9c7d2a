import type { DeadLetterState, DeadLetterView } from '@gpt-load/contracts/api/log-account'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServerSession } from '../server-commands.ts'

/** Request records that could not be read or stored. */
export type DeadLetterFlags = { state?: DeadLetterState; limit: number; json?: boolean }

export async function listDeadLetters(
  { state, limit, json = false }: DeadLetterFlags,
  { server, context }: ServerSession,
): Promise<void> {
  const { data } = await server('GET /api/v1/logs/dead-letters', { query: { limit: Math.max(1, limit), state } })
  if (json) return context.say(JSON.stringify(data.items, null, 2))
  context.say(data.items.length === 0 ? 'no dead letters' : data.items.map(lineOf).join('\n'))
}

function lineOf(letter: DeadLetterView): string {
  const { id, kind, state, reason, topic, partition, offset, bytes, edge, source, first_sequence: first } = letter
  const owner =
    source === '' ? 'of an unknown edge' : `of ${edge}, ${source} from ${first}, ${letter.event_count} events`
  return `${id}  ${letter.lettered_at}  ${kind} ${state}: ${reason}\n    ${topic}/${partition} at ${offset}, ${bytes} bytes, ${owner}`
}

const pollMs = 500
const replayTimeoutMs = 60_000

/** Asks, and waits until all of them were tried. */
export async function replayDeadLetters(ids: readonly number[], { server, context }: ServerSession): Promise<void> {
  const { data } = await server('POST /api/v1/logs/dead-letters/replay', {
    body: { ids: ids.length === 0 ? null : [...ids] },
  })
  if (data.asked === 0) return context.say('no such letter waits')
  const deadline = performance.now() + replayTimeoutMs
  for (;;) {
    const { data: open } = await server('GET /api/v1/logs/dead-letters', { query: { state: 'replay', limit: 1 } })
    if (open.items.length === 0) break
    if (performance.now() > deadline) {
      context.warn('log-ingest has not tried all of them yet: see gptload logs dead-letter list')
      return context.exit(1)
    }
    await delay(pollMs)
  }
  const { data: refused } = await server('GET /api/v1/logs/dead-letters', { query: { state: 'refused', limit: 1 } })
  context.say(`${data.asked} letters were tried again`)
  if (refused.items.length > 0) {
    context.warn('some were refused again: gptload logs dead-letter list --state refused')
    context.exit(1)
  }
}
