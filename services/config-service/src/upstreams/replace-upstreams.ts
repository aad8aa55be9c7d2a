import type { Upstream } from '@gpt-load/contracts/api/upstream'
import { authorise } from '../authorise.ts'
import { changeGroup, patchPointers } from '../groups/change-group.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

export async function replaceUpstreams({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'replaceUpstreams'>
}): Promise<VerbAnswer<{ items: Upstream[] }>> {
  authorise(ctx, 'replaceUpstreams')
  const { value, ...answer } = await changeGroup(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'group.upstreams',
    pointer: { ...patchPointers, upstreams: '' },
    patchOf: () => ({ upstreams: input.body }),
  })
  return { ...answer, value: { items: value.upstreams } }
}
