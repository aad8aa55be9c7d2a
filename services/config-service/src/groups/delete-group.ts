import { touchAccessKeys, touchGroups } from '../touch-entities.ts'
import { authorise } from '../authorise.ts'
import type { ChangeTransaction } from '../truth/change-transaction.ts'
import { commitChange } from '../truth/commit.ts'
import { notFound } from '../http/api-problem.ts'
import { requireRevision } from '../http/precondition.ts'
import { lockRows } from '../lock-rows.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'

/**
 * The group goes at once, and with it its traffic; its keys, which nothing reaches any more, follow in chunks
 * (remove-orphan-keys.ts), since a million rows are no one transaction.
 */
export async function deleteGroup({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: VerbInput<'deleteGroup'>
}): Promise<VerbAnswer<null>> {
  authorise(ctx, 'deleteGroup')
  const { revision } = await commitChange({ ctx }, (tx) => removeGroup(tx, input))
  ctx.onGroupDeleted()
  return { value: null, ...(revision === null ? {} : { committed: revision }) }
}

export async function removeGroup(
  tx: ChangeTransaction,
  input: Pick<VerbInput<'deleteGroup'>, 'params' | 'precondition'>,
): Promise<void> {
  const { id } = input.params
  await lockRows(tx.sql, 'groups', [id])
  const row = await tx.database.group.findUnique({
    where: { id },
    include: { parents: true, access_keys: true },
  })
  if (row === null) throw notFound('group')
  requireRevision(input.precondition, Number(row.revision))
  const withDefault = await tx.database.accessKey.findMany({ where: { default_group_id: id }, select: { id: true } })
  await tx.database.accessKey.updateMany({ where: { default_group_id: id }, data: { default_group_id: null } })
  await tx.database.group.delete({ where: { id } })
  touchGroups(tx, [id])
  // Aggregates and access keys that named it are others now.
  touchGroups(
    tx,
    row.parents.map(({ group_id }) => group_id),
  )
  const accessKeyIds = row.access_keys.map(({ access_key_id }) => access_key_id)
  touchAccessKeys(tx, [...accessKeyIds, ...withDefault.map((key) => key.id)])
  tx.audit({ action: 'group.delete', entity: 'group', entityId: id, detail: { name: row.name } })
}
