import { openProviderKey } from '@gpt-load/database/row-secrets'
import { authorise } from '../authorise.ts'
import { notFound } from '../http/api-problem.ts'
import { commitChange } from '../truth/commit.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** The one way in which a provider key leaves in clear: nobody sees it unless the audit row of that is stored. */
export async function revealKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'revealKey'>, 'params'>
}): Promise<VerbAnswer<{ id: number; key: string }>> {
  authorise(ctx, 'revealKey')
  const { id } = input.params
  const { result: row } = await commitChange({ ctx }, async (tx) => {
    const [found] = await tx.sql.query<{ group_id: number; hint: string; hash: Buffer; secret: Buffer }>(
      'SELECT group_id, hint, hash, secret FROM provider_keys WHERE id = ?',
      [id],
    )
    if (found === undefined) throw notFound('key')
    const { hint, group_id } = found
    tx.audit({ action: 'key.reveal', entity: 'key', entityId: id, detail: { hint, group_id } })
    return found
  })
  return { value: { id, key: openProviderKey(ctx.keyring, row.hash, row.secret) } }
}
