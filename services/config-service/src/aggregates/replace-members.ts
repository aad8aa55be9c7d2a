import type { AggregateMember } from '@gpt-load/contracts/api/aggregate-member'
import { authorise } from '../authorise.ts'
import { changeGroup, patchPointers } from '../groups/change-group.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

export async function replaceMembers({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'replaceMembers'>
}): Promise<VerbAnswer<{ items: AggregateMember[] }>> {
  authorise(ctx, 'replaceMembers')
  const { value, ...answer } = await changeGroup(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'group.members',
    pointer: { ...patchPointers, members: (index) => `/${index}/group_id` },
    patchOf: () => ({ members: input.body }),
  })
  return { ...answer, value: { items: value.members } }
}
