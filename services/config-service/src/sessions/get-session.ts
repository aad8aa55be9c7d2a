import type { Session } from '@gpt-load/contracts/api/session'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { toSession } from './session-answer.ts'

export async function getSession({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getSession'>, 'client'>
}): Promise<VerbAnswer<Session>> {
  return { value: toSession(ctx.actor, input.client.session?.expiresAtMs ?? null) }
}
