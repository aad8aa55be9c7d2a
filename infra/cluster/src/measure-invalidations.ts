import { appliedBy } from './edge-position.ts'
import { keyEvent, type EventPoster } from './key-event-poster.ts'
import type { Cluster } from './start-cluster.ts'

/** Milliseconds from the report that a key is invalid until every edge has it, for one key after the other. */
export async function measureInvalidations(
  { edges }: Cluster,
  poster: EventPoster,
  keyIds: readonly number[],
): Promise<number[]> {
  const tookMs: number[] = []
  for (const keyId of keyIds) {
    const startedMs = performance.now()
    const { revision } = await poster.post([keyEvent(keyId, { state: 'invalid', failures: 3 })])
    await appliedBy(edges, revision)
    tookMs.push(performance.now() - startedMs)
  }
  return tookMs
}
