import type { VerbContext } from '../verb.ts'
import { commitChange } from '../truth/commit.ts'

/** Recorded request bodies for who may see secrets, with an audit row; nobody else is told that there are any. */
export async function loadLoggedBodies(
  ctx: VerbContext,
  requestIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (!ctx.actor.scopes.has('secrets:read')) return new Map()
  const bodies = await ctx.logReader.contents.requestTexts([...new Set(requestIds)])
  if (bodies.size > 0)
    await commitChange({ ctx }, async (tx) =>
      tx.audit({ action: 'log.read_content', entity: 'log', entityId: 'list', detail: { requests: bodies.size } }),
    )
  return bodies
}
