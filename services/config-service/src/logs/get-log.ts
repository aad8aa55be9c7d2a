import type { RequestLogDetail } from '@gpt-load/contracts/api/log'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

export async function getLog({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'getLog'>
}): Promise<VerbAnswer<RequestLogDetail>> {
  authorise(ctx, 'getLog')
  const detail = await ctx.logReader.find(input.params.request_id)
  if (detail === null) throw notFound('request')
  return { value: detail }
}
