import type { Group } from '@gpt-load/contracts/api/group'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { loadGroups } from './load-groups.ts'

export async function getGroup({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getGroup'>, 'params'>
}): Promise<VerbAnswer<Group>> {
  authorise(ctx, 'getGroup')
  const [group] = await loadGroups(ctx.store.database, ctx.keyring, [input.params.id])
  if (group === undefined) throw notFound('group')
  return { value: group, revision: group.revision }
}
