import type { Group } from '@gpt-load/contracts/api/group'
import { authorise } from '../authorise.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { changeGroup, patchPointers } from './change-group.ts'

export async function updateGroup({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'updateGroup'>
}): Promise<VerbAnswer<Group>> {
  authorise(ctx, 'updateGroup')
  return changeGroup(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'group.update',
    pointer: patchPointers,
    patchOf: () => input.body,
  })
}
