import type { AccessKey } from '@gpt-load/contracts/api/access-key'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { loadAccessKeys } from './access-key-answer.ts'

export async function getAccessKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'getAccessKey'>
}): Promise<VerbAnswer<AccessKey>> {
  authorise(ctx, 'getAccessKey')
  const [accessKey] = await loadAccessKeys(ctx.store.database, [input.params.id])
  if (accessKey === undefined) throw notFound('access key')
  return { value: accessKey, revision: accessKey.revision }
}
