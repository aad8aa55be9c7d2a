import type { Key } from '@gpt-load/contracts/api/key'
import { enableKey as enableFacts } from '@gpt-load/key-health/operator-actions'
import { authorise } from '../authorise.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { changeKeyState } from './change-key.ts'

export async function enableKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'enableKey'>, 'params' | 'precondition'>
}): Promise<VerbAnswer<Key>> {
  authorise(ctx, 'enableKey')
  return changeKeyState(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'key.enable',
    act: enableFacts,
  })
}
