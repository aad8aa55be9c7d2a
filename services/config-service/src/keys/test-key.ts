import type { KeyTestResult } from '@gpt-load/contracts/api/key'
import { authorise } from '../authorise.ts'
import { probeKey } from '../probe/probe-key.ts'
import { ApiProblem } from '../http/api-problem.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

export async function testKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'testKey'>, 'params'>
}): Promise<VerbAnswer<KeyTestResult>> {
  authorise(ctx, 'testKey')
  const slot = ctx.probeSlots.take()
  if (slot === null)
    throw new ApiProblem('too_many_requests', 'Too many keys are being tested at once.', {
      headers: { 'retry-after': '1' },
    })
  try {
    const { result, revision } = await probeKey(ctx, input.params.id)
    return { value: result, ...(revision === null ? {} : { committed: revision }) }
  } finally {
    slot.release()
  }
}
