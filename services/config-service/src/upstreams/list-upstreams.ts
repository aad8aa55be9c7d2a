import type { Upstream } from '@gpt-load/contracts/api/upstream'
import { getGroup } from '../groups/get-group.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

export async function listUpstreams(call: {
  ctx: VerbContext
  input: VerbInput<'listUpstreams'>
}): Promise<VerbAnswer<{ items: Upstream[] }>> {
  const { value, ...answer } = await getGroup(call)
  return { ...answer, value: { items: value.upstreams } }
}
