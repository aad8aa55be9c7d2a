import type { Key } from '@gpt-load/contracts/api/key'
import { disableKey as disableFacts, isDisabledUntil } from '@gpt-load/key-health/operator-actions'
import { authorise } from '../authorise.ts'
import { wrongField } from '../http/api-problem.ts'
import { fromInstant } from '../instant.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { changeKeyState } from './change-key.ts'

export async function disableKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'disableKey'>, 'params' | 'body' | 'precondition'>
}): Promise<VerbAnswer<Key>> {
  authorise(ctx, 'disableKey')
  const untilMs = disabledUntilMs(ctx, input.body?.until)
  return changeKeyState(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'key.disable',
    note: input.body?.note,
    act: (facts) => (isDisabledUntil(facts, untilMs) ? facts : disableFacts(facts, untilMs)),
  })
}

/** Epoch ms of the day on which a disabled key comes back; 0 = when somebody enables it. */
export function disabledUntilMs({ clock }: Pick<VerbContext, 'clock'>, until: string | undefined): number {
  if (until === undefined) return 0
  const untilMs = fromInstant(until)
  if (untilMs <= clock.nowMs()) throw wrongField('/until', 'lies in the past')
  return untilMs
}
