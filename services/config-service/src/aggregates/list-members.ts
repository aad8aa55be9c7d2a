import type { AggregateMember } from '@gpt-load/contracts/api/aggregate-member'
import { getGroup } from '../groups/get-group.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** A standard group has none. */
export async function listMembers(call: {
  ctx: VerbContext
  input: VerbInput<'listMembers'>
}): Promise<VerbAnswer<{ items: AggregateMember[] }>> {
  const { value, ...answer } = await getGroup(call)
  return { ...answer, value: { items: value.members } }
}
