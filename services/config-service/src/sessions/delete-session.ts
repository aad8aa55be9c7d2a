import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** Whoever came by a key has no session to end; the cookie is taken away in any case. */
export async function deleteSession({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'deleteSession'>, 'client'>
}): Promise<VerbAnswer<null>> {
  const { session } = input.client
  if (session !== null)
    await commitChange({ ctx }, async (tx) => {
      await tx.sql.execute('DELETE FROM sessions WHERE id = ?', [session.id])
      tx.audit({ action: 'session.delete', entity: 'session', entityId: session.id })
    })
  return { value: null, sessionToken: null }
}
