import { authorise } from '../authorise.ts'
import type { Verb } from '../verb.ts'
import { loadEdges } from './list-edges.ts'

/** An edge is compared at the same revision only: one that is a moment behind is not wrong. */
export const getStateHash: Verb<'getStateHash'> = async ({ ctx }) => {
  authorise(ctx, 'getStateHash')
  const { epoch, revision, total, groups, keys } = await ctx.stateHash()
  const { items } = await loadEdges(ctx)
  const edges = items
    .filter(({ reachable }) => reachable)
    .map((edge) => ({
      instance: edge.instance,
      name: edge.name,
      revision: edge.revision,
      state_hash: edge.state_hash,
      agrees: edge.epoch === epoch && edge.revision === revision ? edge.state_hash === total : null,
    }))
  return {
    value: {
      epoch,
      revision,
      state_hash: total,
      keys,
      groups: [...groups].map(([group_id, state_hash]) => ({ group_id, state_hash })),
      agreed: edges.length > 0 && edges.every(({ agrees }) => agrees === true),
      edges,
    },
  }
}
