import { authorise } from '../authorise.ts'
import { changeGroup, patchPointers } from '../groups/change-group.ts'
import { notFound } from '../http/api-problem.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { membersOf } from './members-of.ts'

export async function deleteMember({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'deleteMember'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'deleteMember')
  const { member_id: memberId } = input.params
  const { committed } = await changeGroup(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'group.members',
    pointer: patchPointers,
    patchOf(row) {
      const members = membersOf(row).filter(({ group_id }) => group_id !== memberId)
      if (members.length === row.members.length) throw notFound('member')
      return { members }
    },
  })
  return { value: null, ...(committed === undefined ? {} : { committed }) }
}
