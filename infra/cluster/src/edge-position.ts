import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, EdgeProcess } from './start-cluster.ts'
import { until } from '@gpt-load/testkit/until'

/** The revision that every worker of an edge has in force, by its own word. */
export async function revisionOf({ adminUrl }: EdgeProcess): Promise<number> {
  const text = await (await fetch(`${adminUrl}/readyz`, { signal: AbortSignal.timeout(2_000) })).text()
  return Number(/revision (\d+)/.exec(text)?.[1] ?? 0)
}

export async function appliedBy(edges: readonly EdgeProcess[], revision: number): Promise<void> {
  const what = `revision ${revision}`
  await Promise.all(
    edges.map((edge) =>
      until(async () => (await revisionOf(edge)) >= revision, { what, timeoutMs: 20_000, intervalMs: 5 }),
    ),
  )
}

/**
 * How long the slowest edge has been without a change that was committed: looked at ten times a second, by the times at which
 * changes were acknowledged.
 */
export function watchLag(
  { edges }: Pick<Cluster, 'edges'>,
  acks: () => readonly { atMs: number; revision: number }[],
): { take(): number; stop(): Promise<void> } {
  let worstMs = 0
  let isStopped = false
  const look = async (edge: EdgeProcess) => {
    const lookedAtMs = performance.now()
    const revision = await revisionOf(edge).catch(() => null)
    // One that is starting, or does not answer now, is looked at again.
    if (revision === null || revision === 0) return
    const missed = acks().find((ack) => ack.revision > revision)
    if (missed !== undefined) worstMs = Math.max(worstMs, lookedAtMs - missed.atMs)
  }
  const running = (async () => {
    while (!isStopped) {
      await Promise.all(edges.map(look))
      await delay(100)
    }
  })()
  return {
    take() {
      const seen = worstMs
      worstMs = 0
      return seen
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}
