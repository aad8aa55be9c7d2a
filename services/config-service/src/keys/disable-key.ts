import type { Key } from '@gpt-load/contracts/api/key'
import type { KeyFacts } from '@gpt-load/contracts/key-state'
import { disableKey as disableFacts } from '@gpt-load/key-health/operator-actions'
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
  const untilMs = input.body?.until === undefined ? 0 : fromInstant(input.body.until)
  if (untilMs !== 0 && untilMs <= ctx.clock.nowMs()) throw wrongField('/until', 'lies in the past')
  return changeKeyState(ctx, {
    id: input.params.id,
    precondition: input.precondition,
    action: 'key.disable',
    note: input.body?.note,
    act: (facts) => (isDisabledUntil(facts, untilMs) ? facts : disableFacts(facts, untilMs)),
  })
}

function isDisabledUntil(facts: KeyFacts, untilMs: number): boolean {
  return facts.state === 'disabled' && facts.until === untilMs
}
