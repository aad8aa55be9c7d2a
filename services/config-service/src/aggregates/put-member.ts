import type { AggregateMember } from '@gpt-load/contracts/api/aggregate-member'
import { authorise } from '../authorise.ts'
import { changeGroup, patchPointers } from '../groups/change-group.ts'
import { membersOf } from './members-of.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

export async function putMember({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'putMember'>
}): Promise<VerbAnswer<{ items: AggregateMember[] }>> {
  authorise(ctx, 'putMember')
  const { member_id: memberId } = input.params
  const { value, ...answer } = await changeGroup(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'group.members',
    pointer: { ...patchPointers, members: () => '/member_id' },
    patchOf(row) {
      const members = membersOf(row)
      const member = { group_id: memberId, weight: input.body.weight }
      const isNew = members.every(({ group_id }) => group_id !== memberId)
      return {
        members: isNew ? [...members, member] : members.map((old) => (old.group_id === memberId ? member : old)),
      }
    },
  })
  return { ...answer, value: { items: value.members } }
}
