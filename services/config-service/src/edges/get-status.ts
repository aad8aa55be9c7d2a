import type { Status } from '@gpt-load/contracts/api/edge'
import { authorise } from '../authorise.ts'
import { toInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext } from '../verb.ts'
import { loadEdges } from './list-edges.ts'

export async function getStatus({ ctx }: { ctx: VerbContext }): Promise<VerbAnswer<Status>> {
  authorise(ctx, 'getStatus')
  const { epoch, revision, reachable, applied } = await loadEdges(ctx)
  return {
    value: {
      version: ctx.version,
      epoch,
      revision,
      edges: { reachable, applied },
      started_at: toInstant(ctx.startedAtMs),
      server_time: toInstant(ctx.clock.nowMs()),
    },
  }
}
