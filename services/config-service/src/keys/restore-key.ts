import type { Key } from '@gpt-load/contracts/api/key'
import { restoreKey as restoreFacts } from '@gpt-load/key-health/operator-actions'
import { authorise } from '../authorise.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { changeKeyState } from './change-key.ts'

export async function restoreKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'restoreKey'>, 'params' | 'precondition'>
}): Promise<VerbAnswer<Key>> {
  authorise(ctx, 'restoreKey')
  return changeKeyState(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'key.restore',
    act: restoreFacts,
  })
}
