import { touchAccessKeys } from '../touch-entities.ts'
import { authorise } from '../authorise.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import { notFound } from '../http/api-problem.ts'
import { requireRevision } from '../http/precondition.ts'
import { lockRows } from '../lock-rows.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/** Revokes: every edge refuses the token once it has applied the revision. */
export async function deleteAccessKey({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'deleteAccessKey'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'deleteAccessKey')
  const { revision } = await commitChange({ ctx }, (tx) => removeAccessKey(tx, input))
  return { value: null, ...(revision === null ? {} : { committed: revision }) }
}

export async function removeAccessKey(
  tx: ChangeTransaction,
  input: Pick<VerbInput<'deleteAccessKey'>, 'params' | 'precondition'>,
): Promise<void> {
  const { id } = input.params
  await lockRows(tx.sql, 'access_keys', [id])
  const row = await tx.database.accessKey.findUnique({ where: { id } })
  if (row === null) throw notFound('access key')
  requireRevision(input.precondition, Number(row.revision))
  await tx.database.accessKey.delete({ where: { id } })
  touchAccessKeys(tx, [id])
  tx.audit({ action: 'access_key.delete', entity: 'access_key', entityId: id, detail: { name: row.name } })
}
