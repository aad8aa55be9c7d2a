import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '@gpt-load/api-client/api-client'
import type { EdgeList } from '@gpt-load/contracts/api/edge'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { CommandContext } from '../create-program.ts'

/** How far the configuration has come: which revision is on how many of the edges that report. */
export type StatusFlags = { wait?: boolean; revision?: number; timeout: number; format: 'text' | 'json' }
type Spread = { revision: number; reachable: number; applied: number; waiting: string[] }

const pollMs = 200

export async function runStatus(
  flags: StatusFlags,
  { server, context }: { server: ApiClient; context: Pick<CommandContext, 'say'> },
): Promise<void> {
  const deadline = performance.now() + flags.timeout * 1_000
  const first = await loadEdges(server)
  // Later changes do not prolong the wait.
  const revision = flags.revision ?? first.revision
  let spread = spreadOf(first, revision)
  while (flags.wait === true && !isEverywhere(spread) && performance.now() < deadline) {
    await sleep(pollMs)
    spread = spreadOf(await loadEdges(server), revision)
  }
  context.say(flags.format === 'json' ? JSON.stringify(spread, null, 2) : describe(spread))
  if (flags.wait === true && !isEverywhere(spread))
    throw new StartupError(
      `revision ${revision} is not on all edges after ${flags.timeout} s`,
      spread.reachable === 0 ? 'no edge reports: check that one runs' : `waiting for: ${spread.waiting.join(', ')}`,
    )
}

async function loadEdges(server: ApiClient): Promise<EdgeList> {
  return (await server('GET /api/v1/edges')).data
}

function spreadOf({ epoch, items }: EdgeList, revision: number): Spread {
  const reachable = items.filter((edge) => edge.reachable)
  const waiting = reachable.filter((edge) => edge.epoch !== epoch || edge.revision < revision)
  return {
    revision,
    reachable: reachable.length,
    applied: reachable.length - waiting.length,
    waiting: waiting.map(({ name, instance }) => `${name} (${instance})`),
  }
}

/** Nobody serves it when there is no edge at all. */
function isEverywhere({ reachable, waiting }: Spread): boolean {
  return reachable > 0 && waiting.length === 0
}

function describe({ revision, reachable, applied }: Spread): string {
  return `revision ${revision} on ${applied}/${reachable} edges`
}
